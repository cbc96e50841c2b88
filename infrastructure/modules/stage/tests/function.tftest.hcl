# The function, its log, and how it is fed.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  override_resource {
    target = aws_sqs_queue.this
    values = {
      arn = "arn:aws:sqs:eu-central-1:111122223333:example-weigh"
      id  = "https://sqs.eu-central-1.amazonaws.com/111122223333/example-weigh"
    }
  }

  override_resource {
    target = aws_sqs_queue.dead_letters
    values = {
      arn = "arn:aws:sqs:eu-central-1:111122223333:example-weigh-dead-letters"
      id  = "https://sqs.eu-central-1.amazonaws.com/111122223333/example-weigh-dead-letters"
    }
  }
}

run "the_function_is_fed_one_message_at_a_time" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.this.function_name == "example-weigher" &&
      aws_lambda_function.this.runtime == "provided.al2023" &&
      tolist(aws_lambda_function.this.architectures) == tolist(["arm64"]) &&
      aws_lambda_function.this.filename == "tests/bootstrap.zip" &&
      aws_lambda_function.this.source_code_hash == filebase64sha256("tests/bootstrap.zip")
    )
    error_message = "The function does not run the package, or a new package would not be deployed."
  }

  assert {
    condition     = [aws_lambda_function.this.memory_size, aws_lambda_function.this.timeout, aws_lambda_function.this.reserved_concurrent_executions] == [512, 40, 4]
    error_message = "The function has other sizes than it was given."
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables == tomap({ EXAMPLE_TABLE = "example" }) && aws_lambda_function.this.kms_key_arn == var.key_arn
    error_message = "Not: the variables that have a value, encrypted with the stack's key."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/example-weigher" && aws_cloudwatch_log_group.this.retention_in_days == 400 && aws_cloudwatch_log_group.this.kms_key_id == var.key_arn
    error_message = "The log is kept for another time, or unencrypted."
  }

  assert {
    condition     = aws_lambda_function.this.logging_config[0].log_group == "/aws/lambda/example-weigher" && aws_lambda_function.this.logging_config[0].log_format == "JSON"
    error_message = "The function writes its log elsewhere, or not as JSON."
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "PassThrough"
    error_message = "The function begins traces, which it has no permission for."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.this.event_source_arn == "arn:aws:sqs:eu-central-1:111122223333:example-weigh" &&
      aws_lambda_event_source_mapping.this.function_name == aws_lambda_function.this.arn &&
      coalesce(aws_lambda_event_source_mapping.this.enabled, true)
    )
    error_message = "The queue does not feed the function."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.this.batch_size == 1 &&
      aws_lambda_event_source_mapping.this.function_response_types == toset(["ReportBatchItemFailures"]) &&
      aws_lambda_event_source_mapping.this.scaling_config[0].maximum_concurrency == 3
    )
    error_message = "Messages come in batches, or are repeated as a batch, or too many at a time."
  }
}

run "nothing_is_reserved_where_nothing_can_be" {
  command = plan

  variables {
    architecture = "x86_64"
    sizes = {
      memory_mb            = 128
      timeout_seconds      = 900
      maximum_concurrency  = 2
      reserved_concurrency = -1
    }
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == -1 && tolist(aws_lambda_function.this.architectures) == tolist(["x86_64"])
    error_message = "Invocations are reserved, or the package runs on another architecture."
  }

  # The longest timeout still fits what SQS can hide, which is twelve hours.
  assert {
    condition     = aws_sqs_queue.this.visibility_timeout_seconds == 5400
    error_message = "The queue does not follow the timeout."
  }
}

run "a_package_that_is_not_there_is_told_in_plain_words" {
  command = plan

  variables {
    package = "tests/no-such-package.zip"
  }

  expect_failures = [aws_lambda_function.this]
}
