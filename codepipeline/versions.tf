terraform {
  # Native locking of the state in S3 (use_lockfile) came with 1.10.
  required_version = ">= 1.10, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}
