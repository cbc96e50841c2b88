terraform {
  # Native locking of the state in S3 (use_lockfile) came with 1.10.
  required_version = ">= 1.10, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Where the state lies differs by account, so it is told at init:
  #   terraform init -backend-config=environments/<environment>.s3.tfbackend
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    # What the budget and the bill are cut by, and how a resource is found again.
    tags = {
      stack       = local.prefix
      environment = var.environment
      managed-by  = "terraform"
    }
  }
}
