"""What-ifs as people write them: `reading` turns their operations into the engine's, `telling` its
answer into JSON, `running` does both in the background."""
