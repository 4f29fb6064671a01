"""Read power from a server by HTTP and JSON: plugs, management controllers, Prometheus."""
