# The way in: rules, queue, dead-letter queue.

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

run "no_event_is_lost_on_the_way_to_the_function" {
  command = plan

  assert {
    condition = { for key, rule in aws_cloudwatch_event_rule.this : key => "${rule.event_bus_name} ${rule.name} ${coalesce(rule.event_pattern, "no pattern")} ${coalesce(rule.schedule_expression, "no schedule")}" } == {
      dropped = "default example-dropped {\"source\":[\"aws.s3\"]} no schedule"
      milled  = "example example-milled {\"source\":[\"example.mill\"]} no schedule"
      struck  = "default example-struck no pattern rate(1 hour)"
    }
    error_message = "The rules are not those that were asked for."
  }

  assert {
    condition     = alltrue([for rule in aws_cloudwatch_event_rule.this : coalesce(rule.state, "ENABLED") == "ENABLED"])
    error_message = "A rule is off."
  }

  assert {
    condition = {
      for key, target in aws_cloudwatch_event_target.this : key => {
        rule  = "${target.event_bus_name} ${target.rule}"
        to    = target.arn
        age   = target.retry_policy[0].maximum_event_age_in_seconds
        tries = target.retry_policy[0].maximum_retry_attempts
        or_to = target.dead_letter_config[0].arn
        whole = target.input_path == null && length(target.input_transformer) == 0
        says  = coalesce(target.input, "the event")
      }
      } == {
      dropped = {
        rule  = "default example-dropped"
        to    = "arn:aws:sqs:eu-central-1:111122223333:example-weigh"
        age   = 86400
        tries = 185
        or_to = "arn:aws:sqs:eu-central-1:111122223333:example-weigh-dead-letters"
        whole = true
        says  = "the event"
      }
      milled = {
        rule  = "example example-milled"
        to    = "arn:aws:sqs:eu-central-1:111122223333:example-weigh"
        age   = 86400
        tries = 185
        or_to = "arn:aws:sqs:eu-central-1:111122223333:example-weigh-dead-letters"
        whole = true
        says  = "the event"
      }
      struck = {
        rule  = "default example-struck"
        to    = "arn:aws:sqs:eu-central-1:111122223333:example-weigh"
        age   = 86400
        tries = 185
        or_to = "arn:aws:sqs:eu-central-1:111122223333:example-weigh-dead-letters"
        whole = true
        says  = "{\"source\":\"example.clock\",\"detail-type\":\"Hour\",\"detail\":{}}"
      }
    }
    error_message = "A rule does not hand the event as it is (a schedule: its input) to the queue, for a day, and to the dead-letter queue if that fails."
  }

  assert {
    condition     = aws_sqs_queue.this.name == "example-weigh" && aws_sqs_queue.dead_letters.name == "example-weigh-dead-letters"
    error_message = "A queue has another name."
  }

  assert {
    condition     = aws_sqs_queue.this.visibility_timeout_seconds == 6 * 40
    error_message = "A message comes back before Lambda is done with it: it must stay hidden for six times the timeout."
  }

  assert {
    condition     = aws_sqs_queue.this.message_retention_seconds == 345600 && aws_sqs_queue.dead_letters.message_retention_seconds == 1209600
    error_message = "Messages are not kept for four days, and dead letters for fourteen."
  }

  assert {
    condition = jsondecode(aws_sqs_queue.this.redrive_policy) == {
      deadLetterTargetArn = "arn:aws:sqs:eu-central-1:111122223333:example-weigh-dead-letters"
      maxReceiveCount     = 5
    }
    error_message = "What fails five times does not go to the dead-letter queue."
  }

  assert {
    condition = aws_sqs_queue_redrive_allow_policy.dead_letters.queue_url == aws_sqs_queue.dead_letters.id && jsondecode(aws_sqs_queue_redrive_allow_policy.dead_letters.redrive_allow_policy) == {
      redrivePermission = "byQueue"
      sourceQueueArns   = ["arn:aws:sqs:eu-central-1:111122223333:example-weigh"]
    }
    error_message = "Another queue may use the dead-letter queue."
  }

  assert {
    condition     = [for queue in [aws_sqs_queue.this, aws_sqs_queue.dead_letters] : queue.kms_master_key_id] == [var.key_arn, var.key_arn]
    error_message = "A queue is not encrypted with the stack's key."
  }

  # Both queues take the same: the stage's rules, each by its ARN, over TLS.
  assert {
    condition = [aws_sqs_queue_policy.this.queue_url, aws_sqs_queue_policy.dead_letters.queue_url] == [aws_sqs_queue.this.id, aws_sqs_queue.dead_letters.id] && [
      for policy in [aws_sqs_queue_policy.this.policy, aws_sqs_queue_policy.dead_letters.policy] : jsondecode(policy)
      ] == [
      for queue in ["example-weigh", "example-weigh-dead-letters"] : {
        Version = "2012-10-17"
        Statement = [
          {
            Sid       = "TlsOnly"
            Effect    = "Deny"
            Principal = "*"
            Action    = "sqs:*"
            Resource  = "arn:aws:sqs:eu-central-1:111122223333:${queue}"
            Condition = { Bool = { "aws:SecureTransport" = "false" } }
          },
          {
            Sid       = "OnlyTheStagesRulesSend"
            Effect    = "Allow"
            Principal = { Service = "events.amazonaws.com" }
            Action    = "sqs:SendMessage"
            Resource  = "arn:aws:sqs:eu-central-1:111122223333:${queue}"
            Condition = {
              ArnEquals = {
                "aws:SourceArn" = [
                  "arn:aws:events:eu-central-1:111122223333:rule/example-dropped",
                  "arn:aws:events:eu-central-1:111122223333:rule/example/example-milled",
                  "arn:aws:events:eu-central-1:111122223333:rule/example-struck",
                ]
              }
            }
          },
        ]
      }
    ]
    error_message = "Others than the stage's own rules may send to a queue, or one of these may not."
  }
}
