"""Pure data of the OCI and Docker formats: no input, no output."""
