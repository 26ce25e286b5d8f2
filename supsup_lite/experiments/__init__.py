"""Settings in, a result out: what the command line and the lessons run."""
