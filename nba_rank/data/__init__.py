"""Raw files to checked tables: schema, league facts, ingest, standings and the simulated league."""
