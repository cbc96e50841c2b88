# The smoke test: drops one dataset's files, and looks up that dataset's records in one index. It can do nothing else.

locals {
  smoke_dataset = "smoke_test"
  smoke_index   = "by-dataset"

  drop_and_look = [
    {
      Sid      = "DropSamples"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "${local.stack.bucket}/input/${local.smoke_dataset}/*"
    },
    {
      Sid       = "FindTheirRecords"
      Effect    = "Allow"
      Action    = "dynamodb:Query"
      Resource  = "${local.stack.table}/index/${local.smoke_index}"
      Condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = [local.smoke_dataset] } }
    },
    {
      # DynamoDB decrypts the index in the name of who asks.
      # (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html)
      Sid       = "ReadTheEncryptedIndex"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:DescribeKey"]
      Resource  = local.stack.keys
      Condition = merge(local.only_the_stacks_key, { StringEquals = { "kms:ViaService" = "dynamodb.${var.region}.amazonaws.com" } })
    },
  ]
}
