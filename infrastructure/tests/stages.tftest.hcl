# Each stage gets what is meant for it. What a stage makes of it is tested in modules/stage/tests.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "each_stage_has_its_own_size_queue_and_package" {
  command = plan

  # As JSON, since what is absent has no type.
  assert {
    condition = jsonencode([module.processor.made_with, module.analyzer.made_with, module.notifier.made_with]) == jsonencode([
      {
        boundary            = null
        signed              = null
        package             = "tests/packages/processor/bootstrap.zip"
        architecture        = "arm64"
        memory_mb           = 512
        timeout_seconds     = 600
        reserved            = 10
        maximum_concurrency = 10
        max_receive_count   = 6
        queue               = "gristmill-test-process"
        log_group           = "/aws/lambda/gristmill-test-processor"
        log_retention_days  = 365
        key                 = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
        alarms_tell         = "arn:aws:sns:eu-central-1:111122223333:gristmill-test-alerts"
      },
      {
        boundary            = null
        signed              = null
        package             = "tests/packages/analyzer/bootstrap.zip"
        architecture        = "arm64"
        memory_mb           = 512
        timeout_seconds     = 600
        reserved            = 2
        maximum_concurrency = 2
        max_receive_count   = 6
        queue               = "gristmill-test-analyze"
        log_group           = "/aws/lambda/gristmill-test-analyzer"
        log_retention_days  = 365
        key                 = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
        alarms_tell         = "arn:aws:sns:eu-central-1:111122223333:gristmill-test-alerts"
      },
      {
        boundary            = null
        signed              = null
        package             = "tests/packages/notifier/bootstrap.zip"
        architecture        = "arm64"
        memory_mb           = 256
        timeout_seconds     = 60
        reserved            = 2
        maximum_concurrency = 2
        max_receive_count   = 8
        queue               = "gristmill-test-notify"
        log_group           = "/aws/lambda/gristmill-test-notifier"
        log_retention_days  = 365
        key                 = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
        alarms_tell         = "arn:aws:sns:eu-central-1:111122223333:gristmill-test-alerts"
      },
    ])
    error_message = "A stage has another's size, queue, package, log or alarms, or other ones than by default."
  }

  assert {
    condition     = output.functions == { processor = "gristmill-test-processor", analyzer = "gristmill-test-analyzer", notifier = "gristmill-test-notifier" }
    error_message = "The functions are not called as they are told."
  }

  assert {
    condition     = output.log_groups == { for stage, made in { processor = module.processor.made_with, analyzer = module.analyzer.made_with, notifier = module.notifier.made_with } : stage => made.log_group }
    error_message = "The log groups are not called as they are told."
  }

  # What the pipeline's smoke test builds on.
  assert {
    condition     = output.smoke_test == { dataset = "smoke_test", prefix = "input/smoke_test/", index = "by-dataset" } && contains([for index in aws_dynamodb_table.analyses.global_secondary_index : index.name], output.smoke_test.index)
    error_message = "The test of a deploy would look in the wrong place."
  }
}

run "what_is_set_reaches_each_stage" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::111122223333:policy/gristmill-boundary"
    code_signing_config_arn  = "arn:aws:lambda:eu-central-1:111122223333:code-signing-config:csc-0123456789abcdefg"
    architecture             = "x86_64"
    log_retention_days       = 731
    stages = {
      processor = { memory_mb = 1769, timeout_seconds = 900, reserved_concurrency = -1 }
      analyzer  = { maximum_concurrency = 5, reserved_concurrency = 6 }
      notifier  = { timeout_seconds = 30 }
    }
  }

  assert {
    condition = alltrue([
      for made in [module.processor.made_with, module.analyzer.made_with, module.notifier.made_with] :
      made.boundary == "arn:aws:iam::111122223333:policy/gristmill-boundary" && made.signed == "arn:aws:lambda:eu-central-1:111122223333:code-signing-config:csc-0123456789abcdefg" && made.architecture == "x86_64" && made.log_retention_days == 731
    ])
    error_message = "A role has no boundary, or a package need not be signed, or a stage is built for another architecture, or keeps its log for another time."
  }

  assert {
    condition = [
      for made in [module.processor.made_with, module.analyzer.made_with, module.notifier.made_with] :
      [made.memory_mb, made.timeout_seconds, made.maximum_concurrency, made.reserved]
    ] == [[1769, 900, 10, -1], [512, 600, 5, 6], [256, 30, 2, 2]]
    error_message = "A size that was set is not used, or one that was not set is no longer the default."
  }
}
