terraform {
  # Native locking of the state in S3 (use_lockfile) came with 1.10.
  required_version = ">= 1.10, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # In the bucket that this root makes. How it comes into being before it exists: README.md, "The first apply".
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      # Not the stack's tag: the roles below may touch what carries that one.
      stack       = local.own
      environment = var.environment
      managed-by  = "terraform"
    }
  }
}
