"""A real Azure Blob server for tests: Azurite, Microsoft's own emulator, out of its npm package."""
