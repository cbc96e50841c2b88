# What every run of these tests begins with; a run says what it changes.
environment = "test"
region      = "eu-central-1"

sender   = "reports@example.com"
identity = "example.com"

# The packages here are text files. With a mocked provider nobody opens them; their bytes are only hashed.
packages_dir  = "tests/packages"
contracts_dir = "tests/contracts"
