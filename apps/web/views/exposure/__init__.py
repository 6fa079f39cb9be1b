"""Exposure pages: concentration, single points of failure, exposure policies, exposure flags,
losses."""
