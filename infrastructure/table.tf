# One item a run: the analysis, and the claims of analyzer and notifier on it.

resource "aws_dynamodb_table" "analyses" {
  name         = local.names.table
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "run_id"

  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "run_id"
    type = "S"
  }

  attribute {
    name = "dataset"
    type = "S"
  }

  attribute {
    name = "correlation_id"
    type = "S"
  }

  attribute {
    name = "analysis_timestamp"
    type = "S"
  }

  # The analyses of a dataset, newest last. An item has a timestamp, and so a place here, once it is analysed.
  global_secondary_index {
    name            = "by-dataset"
    hash_key        = "dataset"
    range_key       = "analysis_timestamp"
    projection_type = "INCLUDE"
    # What a list of runs shows; facts and words are read from the item itself.
    non_key_attributes = ["source_file", "rows", "narrator", "notification_sent", "notification_timestamp"]
  }

  # The run that an event, a log line or a mail speaks of.
  global_secondary_index {
    name            = "by-correlation-id"
    hash_key        = "correlation_id"
    range_key       = "analysis_timestamp"
    projection_type = "KEYS_ONLY"
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this.arn
  }
}
