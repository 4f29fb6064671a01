"""Power source for servers that report power by HTTP and JSON: plugs, management controllers, Prometheus."""
