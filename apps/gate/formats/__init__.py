"""What a decided run is written as (JSON, SARIF, JUnit), and what a pipeline's file says."""
