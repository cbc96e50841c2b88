# What only AWS would refuse, or nobody, is refused before.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "name" {
  command = plan

  variables {
    name = "x"
  }

  expect_failures = [var.name]
}

run "name_2" {
  command = plan

  variables {
    name = "my-pipeline"
  }

  expect_failures = [var.name]
}

run "name_3" {
  command = plan

  variables {
    name = "Gristmill"
  }

  expect_failures = [var.name]
}

run "environment" {
  command = plan

  variables {
    environment = "pipeline"
  }

  expect_failures = [var.environment]
}

run "environment_2" {
  command = plan

  variables {
    environment = "DEV"
  }

  expect_failures = [var.environment]
}

run "region" {
  command = plan

  variables {
    region = "frankfurt"
  }

  expect_failures = [var.region]
}

run "repository" {
  command = plan

  variables {
    repository = "https://github.com/example-org/gristmill"
  }

  expect_failures = [var.repository]
}

run "repository_2" {
  command = plan

  variables {
    repository = "gristmill"
  }

  expect_failures = [var.repository]
}

run "repository_3" {
  command = plan

  variables {
    repository = "example-org/gristmill.git"
  }

  expect_failures = [var.repository]
}

run "branch" {
  command = plan

  variables {
    branch = "release/*"
  }

  expect_failures = [var.branch]
}

run "provider_type" {
  command = plan

  variables {
    provider_type = "CodeCommit"
  }

  expect_failures = [var.provider_type]
}

run "identity" {
  command = plan

  variables {
    identity = "nobody"
  }

  expect_failures = [var.identity]
}

run "identity_2" {
  command = plan

  variables {
    identity = "*"
  }

  expect_failures = [var.identity]
}

run "existing_bucket" {
  command = plan

  variables {
    existing_bucket = "My_Bucket"
  }

  expect_failures = [var.existing_bucket]
}

run "image" {
  command = plan

  variables {
    image = "aws/codebuild/standard:7.0"
  }

  expect_failures = [var.image]
}

run "build_compute_type" {
  command = plan

  variables {
    build_compute_type = "HUGE"
  }

  expect_failures = [var.build_compute_type]
}

run "log_retention_days" {
  command = plan

  variables {
    log_retention_days = 30
  }

  expect_failures = [var.log_retention_days]
}

run "artifact_days" {
  command = plan

  variables {
    artifact_days = 7
  }

  expect_failures = [var.artifact_days]
}

run "state_noncurrent_days" {
  command = plan

  variables {
    state_noncurrent_days = 1
  }

  expect_failures = [var.state_noncurrent_days]
}

run "alert_emails" {
  command = plan

  variables {
    alert_emails = ["platform team"]
  }

  expect_failures = [var.alert_emails]
}

run "alert_emails_2" {
  command = plan

  variables {
    alert_emails = []
  }

  expect_failures = [var.alert_emails]
}

# 64 characters: S3 takes 63.
run "bucket_too_long" {
  command = plan

  variables {
    name        = "abcdefghijklmnopqrs"
    environment = "abcdefghij"
    region      = "ap-southeast-2"
  }

  expect_failures = [var.name]
}

run "nobody_is_asked_and_nobody_needs_to_be" {
  command = plan

  variables {
    approval     = false
    alert_emails = []
  }

  assert {
    condition     = length(aws_sns_topic_subscription.alerts) == 0
    error_message = "Somebody gets alerts whom nobody named."
  }
}
