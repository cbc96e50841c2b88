# A bucket that is there already: the stack reads and writes it, and leaves its settings to its owner.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  existing_bucket   = "example-data"
  access_log_bucket = "example-access-logs"
}

run "an_existing_bucket_keeps_its_settings" {
  command = plan

  assert {
    condition = sum([
      length(aws_s3_bucket.this),
      length(aws_s3_bucket_policy.this),
      length(aws_s3_bucket_lifecycle_configuration.this),
      length(aws_s3_bucket_notification.this),
      length(aws_s3_bucket_versioning.this),
      length(aws_s3_bucket_server_side_encryption_configuration.this),
      length(aws_s3_bucket_public_access_block.this),
      length(aws_s3_bucket_ownership_controls.this),
      length(aws_s3_bucket_logging.this),
    ]) == 0
    error_message = "A setting of somebody else's bucket is taken over."
  }

  assert {
    condition     = output.bucket == "example-data" && module.notifier.environment.GRISTMILL_OUTPUT_BASE == "s3://example-data"
    error_message = "The existing bucket's name is not used."
  }

  assert {
    condition     = { for name, contract in aws_s3_object.contracts : name => "${contract.bucket}/${contract.key}" } == { "orders.json" = "example-data/contracts/orders.json", "ports.csv" = "example-data/contracts/ports.csv" }
    error_message = "The contracts are not put into the existing bucket."
  }

  assert {
    condition     = jsondecode(module.processor.rules.arrivals.pattern).detail.bucket.name == ["example-data"]
    error_message = "Files that arrive in the existing bucket are not taken up."
  }

  assert {
    condition     = jsondecode(module.processor.rules.sweep.input).detail.bucket == "example-data"
    error_message = "Files that were overlooked in the existing bucket are not looked for."
  }

  assert {
    # As JSON, since a list and a tuple are never equal.
    condition = jsonencode({
      for stage, policy in { processor = module.processor.policies.work, analyzer = module.analyzer.policies.work, notifier = module.notifier.policies.work } :
      stage => distinct(flatten([for statement in jsondecode(policy).Statement : statement.Resource if startswith(statement.Action[0], "s3:")]))
      }) == jsonencode({
      processor = [
        "arn:aws:s3:::example-data/input/*", "arn:aws:s3:::example-data/contracts/*", "arn:aws:s3:::example-data",
        "arn:aws:s3:::example-data/processed/*", "arn:aws:s3:::example-data/rejected/*", "arn:aws:s3:::example-data/manifests/*", "arn:aws:s3:::example-data/ledger/*",
      ]
      analyzer = ["arn:aws:s3:::example-data/processed/*", "arn:aws:s3:::example-data/manifests/*"]
      notifier = ["arn:aws:s3:::example-data/manifests/*", "arn:aws:s3:::example-data/ledger/*"]
    })
    error_message = "The functions may not read and write their prefixes of the existing bucket, and no other bucket."
  }
}
