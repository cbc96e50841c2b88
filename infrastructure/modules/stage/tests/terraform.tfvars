# A stage that the stack does not have, so that nothing of the stack's is taken for granted; a run says what it changes.
function_name     = "example-weigher"
description       = "Weighs"
queue_name        = "example-weigh"
max_receive_count = 5

rules = {
  dropped = {
    name        = "example-dropped"
    bus         = "default"
    description = "Something was dropped"
    pattern     = "{\"source\":[\"aws.s3\"]}"
  }
  milled = {
    name        = "example-milled"
    bus         = "example"
    description = "Something was milled"
    pattern     = "{\"source\":[\"example.mill\"]}"
  }
  struck = {
    name        = "example-struck"
    bus         = "default"
    description = "The clock struck"
    schedule    = "rate(1 hour)"
    input       = "{\"source\":\"example.clock\",\"detail-type\":\"Hour\",\"detail\":{}}"
  }
}

# A text file. With a mocked provider nobody opens it; its bytes are only hashed.
package      = "tests/bootstrap.zip"
architecture = "arm64"

sizes = {
  memory_mb            = 512
  timeout_seconds      = 40
  maximum_concurrency  = 3
  reserved_concurrency = 4
}

environment = {
  EXAMPLE_TABLE = "example"
  EXAMPLE_EMPTY = ""
}

statements = [
  {
    sid       = "ReadGrain"
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::example/grain/*"]
  },
  {
    sid        = "TellTheMill"
    actions    = ["events:PutEvents"]
    resources  = ["arn:aws:events:eu-central-1:111122223333:event-bus/example"]
    conditions = { StringEquals = { "events:source" = ["example.weigher"] } }
  },
]

permissions_boundary_arn = null
code_signing_config_arn  = null
key_arn                  = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
log_retention_days       = 400
alerts_topic_arn         = "arn:aws:sns:eu-central-1:111122223333:example-alerts"

place = {
  partition = "aws"
  region    = "eu-central-1"
  account   = "111122223333"
}
