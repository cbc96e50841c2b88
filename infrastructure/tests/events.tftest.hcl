# Who is told what: the rules with their patterns, the bus, its policy and its archive.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "events_reach_their_stage_and_nobody_else_publishes" {
  command = plan

  assert {
    condition = { for key, rule in module.processor.rules : key => { name = rule.name, bus = rule.bus, pattern = jsondecode(rule.pattern) } if rule.pattern != null } == {
      arrivals = {
        name = "gristmill-test-arrivals"
        bus  = "default"
        pattern = {
          source      = ["aws.s3"]
          detail-type = ["Object Created"]
          detail = {
            bucket = { name = ["gristmill-test-111122223333-eu-central-1"] }
            object = { key = [{ prefix = "input/" }] }
          }
        }
      }
      file_overlooked = {
        name = "gristmill-test-file-overlooked"
        bus  = "gristmill-test"
        pattern = {
          source      = ["gristmill.processor"]
          detail-type = ["File Overlooked"]
        }
      }
      sweep_continued = {
        name = "gristmill-test-sweep-continued"
        bus  = "gristmill-test"
        pattern = {
          source      = ["gristmill.processor"]
          detail-type = ["Sweep Due"]
        }
      }
    }
    error_message = "The processor is fed with files that arrive under input/ of the stack's bucket, with its own word on overlooked files and on where a sweep goes on, and with nothing else."
  }

  assert {
    condition = { for key, rule in module.processor.rules : key => { name = rule.name, bus = rule.bus, schedule = rule.schedule, input = jsondecode(rule.input) } if rule.pattern == null } == {
      sweep = {
        name     = "gristmill-test-sweep"
        bus      = "default"
        schedule = "rate(15 minutes)"
        input = {
          source      = "gristmill.schedule"
          detail-type = "Sweep Due"
          detail      = { schema = 1, bucket = "gristmill-test-111122223333-eu-central-1" }
        }
      }
    }
    error_message = "The processor is not told every 15 minutes to look after the stack's bucket."
  }

  assert {
    condition     = alltrue([for stage in [module.analyzer, module.notifier] : alltrue([for rule in values(stage.rules) : rule.schedule == null && rule.input == null])])
    error_message = "Another stage than the processor has a schedule."
  }

  assert {
    condition = { for key, rule in module.analyzer.rules : key => { name = rule.name, bus = rule.bus, pattern = jsondecode(rule.pattern) } } == {
      processing_complete = {
        name = "gristmill-test-processing-complete"
        bus  = "gristmill-test"
        pattern = {
          source      = ["gristmill.processor"]
          detail-type = ["Processing Complete"]
        }
      }
    }
    error_message = "The analyzer is fed with processed files of the stack's own bus, and with nothing else."
  }

  assert {
    condition = { for key, rule in module.notifier.rules : key => { name = rule.name, bus = rule.bus, pattern = jsondecode(rule.pattern) } } == {
      analysis_complete = {
        name = "gristmill-test-analysis-complete"
        bus  = "gristmill-test"
        pattern = {
          source      = ["gristmill.analyzer"]
          detail-type = ["Analysis Complete"]
        }
      }
      file_rejected = {
        name = "gristmill-test-file-rejected"
        bus  = "gristmill-test"
        pattern = {
          source      = ["gristmill.processor"]
          detail-type = ["File Rejected"]
        }
      }
      mail_feedback = {
        name = "gristmill-test-mail-feedback"
        bus  = "default"
        pattern = {
          source      = ["aws.ses"]
          detail-type = ["Email Sent", "Email Delivered", "Email Delivery Delayed"]
          detail      = { mail = { tags = { "ses:configuration-set" = ["gristmill-test"] } } }
        }
      }
      mail_trouble = {
        name = "gristmill-test-mail-trouble"
        bus  = "default"
        pattern = {
          source      = ["aws.ses"]
          detail-type = ["Email Bounced", "Email Complaint Received", "Email Rejected", "Email Rendering Failed"]
          detail      = { mail = { tags = { "ses:configuration-set" = ["gristmill-test"] } } }
        }
      }
    }
    error_message = "The notifier is fed with analyses, refusals and the word of SES on the stack's own mails."
  }

  assert {
    condition     = aws_cloudwatch_event_bus.this.name == "gristmill-test" && aws_cloudwatch_event_bus_policy.this.event_bus_name == "gristmill-test"
    error_message = "The policy is not on the stack's bus."
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_bus_policy.this.policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid       = "OnlyTheStagesPublish"
        Effect    = "Deny"
        Principal = "*"
        Action    = "events:PutEvents"
        Resource  = "arn:aws:events:eu-central-1:111122223333:event-bus/gristmill-test"
        Condition = {
          ArnNotEquals = {
            "aws:PrincipalArn" = [
              "arn:aws:iam::111122223333:role/gristmill-test-processor",
              "arn:aws:iam::111122223333:role/gristmill-test-analyzer",
            ]
          }
        }
      }]
    }
    error_message = "Somebody beside processor and analyzer may publish to the bus."
  }

  assert {
    condition = (
      aws_cloudwatch_event_archive.this.name == "gristmill-test" &&
      aws_cloudwatch_event_archive.this.event_source_arn == aws_cloudwatch_event_bus.this.arn &&
      aws_cloudwatch_event_archive.this.retention_days == 30 &&
      aws_cloudwatch_event_archive.this.event_pattern == null
    )
    error_message = "The archive keeps all events of the bus, for 30 days."
  }
}
