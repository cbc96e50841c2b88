# The sender, and what SES does with its mails.

resource "aws_sesv2_email_identity" "this" {
  count = var.create_identity ? 1 : 0

  email_identity = var.identity
}

resource "aws_sesv2_configuration_set" "this" {
  configuration_set_name = local.names.configuration_set

  delivery_options {
    # A mail names rows and figures: it is not sent in the clear.
    tls_policy = "REQUIRE"
  }

  reputation_options {
    reputation_metrics_enabled = true
  }

  sending_options {
    sending_enabled = true
  }

  suppression_options {
    suppressed_reasons = ["BOUNCE", "COMPLAINT"]
  }
}

# SES tells what became of a mail. It publishes to the default bus only; the rules `mail-feedback` and `mail-trouble` take it
# to the notifier.
# (https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html)
resource "aws_sesv2_configuration_set_event_destination" "feedback" {
  configuration_set_name = aws_sesv2_configuration_set.this.configuration_set_name
  event_destination_name = "feedback"

  event_destination {
    enabled              = true
    matching_event_types = ["SEND", "DELIVERY", "DELIVERY_DELAY", "BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE"]

    event_bridge_destination {
      event_bus_arn = local.arns.default_bus
    }
  }
}
