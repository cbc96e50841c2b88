# The sender: its identity, its configuration set, and whom the notifier may send to in the sandbox.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "mails_go_out_encrypted_and_are_reported_on" {
  command = plan

  assert {
    condition     = aws_sesv2_email_identity.this[0].email_identity == "example.com"
    error_message = "The identity is not the sender's domain."
  }

  assert {
    condition = (
      aws_sesv2_configuration_set.this.configuration_set_name == "gristmill-test" &&
      aws_sesv2_configuration_set.this.delivery_options[0].tls_policy == "REQUIRE" &&
      aws_sesv2_configuration_set.this.sending_options[0].sending_enabled &&
      aws_sesv2_configuration_set.this.reputation_options[0].reputation_metrics_enabled &&
      toset(aws_sesv2_configuration_set.this.suppression_options[0].suppressed_reasons) == toset(["BOUNCE", "COMPLAINT"])
    )
    error_message = "Mails may go out in the clear, or to addresses that bounced or complained."
  }

  assert {
    condition = (
      aws_sesv2_configuration_set_event_destination.feedback.configuration_set_name == "gristmill-test" &&
      aws_sesv2_configuration_set_event_destination.feedback.event_destination[0].enabled &&
      toset(aws_sesv2_configuration_set_event_destination.feedback.event_destination[0].matching_event_types) == toset(["SEND", "DELIVERY", "DELIVERY_DELAY", "BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE"]) &&
      aws_sesv2_configuration_set_event_destination.feedback.event_destination[0].event_bridge_destination[0].event_bus_arn == "arn:aws:events:eu-central-1:111122223333:event-bus/default"
    )
    error_message = "SES does not tell the default bus what became of a mail."
  }
}

run "an_identity_that_is_there_already_is_used_and_not_made" {
  command = plan

  variables {
    create_identity    = false
    sender             = "reports@mail.example.org"
    identity           = "reports@mail.example.org"
    sender_name        = "Example Inc."
    sandbox_recipients = ["data-team@example.org", "example.net"]
  }

  assert {
    condition     = length(aws_sesv2_email_identity.this) == 0 && output.dkim_records == {}
    error_message = "A second identity is made, or records of it are asked for."
  }

  assert {
    condition     = module.notifier.environment.GRISTMILL_SENDER == "\"Example Inc.\" <reports@mail.example.org>"
    error_message = "A name with a dot in it does not stand in quotation marks."
  }

  assert {
    condition = [for statement in jsondecode(module.notifier.policies.work).Statement : statement if contains(statement.Action, "ses:SendEmail")] == [{
      Sid    = "SendAsOneAddressThroughOneConfigurationSet"
      Effect = "Allow"
      Action = ["ses:SendEmail"]
      Resource = [
        "arn:aws:ses:eu-central-1:111122223333:identity/reports@mail.example.org",
        "arn:aws:ses:eu-central-1:111122223333:configuration-set/gristmill-test",
        "arn:aws:ses:eu-central-1:111122223333:identity/data-team@example.org",
        "arn:aws:ses:eu-central-1:111122223333:identity/example.net",
      ]
      Condition = { StringEquals = { "ses:FromAddress" = ["reports@mail.example.org"] } }
    }]
    error_message = "The notifier may not send as the existing identity, or to the sandbox's recipients, or may send as somebody else."
  }
}
