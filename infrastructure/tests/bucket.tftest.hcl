# The bucket: who may write what, how long it is kept, and that its events are announced.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "outputs_and_ledger_are_written_once_by_the_stages_over_tls" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this[0].bucket == "gristmill-test-111122223333-eu-central-1" && output.bucket == "gristmill-test-111122223333-eu-central-1"
    error_message = "The bucket's name is made of the stack's, the account and the region."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.this[0].policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "TlsOnly"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:*"
          Resource = [
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1",
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/*",
          ]
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
        {
          Sid       = "OutputsAndLedgerAreWrittenOnce"
          Effect    = "Deny"
          Principal = "*"
          Action    = "s3:PutObject"
          Resource = [
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/processed/*",
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/rejected/*",
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/manifests/*",
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/ledger/*",
          ]
          Condition = {
            Null = { "s3:if-none-match" = "true" }
            Bool = { "s3:ObjectCreationOperation" = "true" }
          }
        },
        {
          Sid       = "OnlyTheProcessorWritesOutputs"
          Effect    = "Deny"
          Principal = "*"
          Action    = ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]
          Resource = [
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/processed/*",
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/rejected/*",
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/manifests/*",
          ]
          Condition = { ArnNotEquals = { "aws:PrincipalArn" = ["arn:aws:iam::111122223333:role/gristmill-test-processor"] } }
        },
        {
          Sid       = "OnlyProcessorAndNotifierWriteTheLedger"
          Effect    = "Deny"
          Principal = "*"
          Action    = ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]
          Resource  = ["arn:aws:s3:::gristmill-test-111122223333-eu-central-1/ledger/*"]
          Condition = {
            ArnNotEquals = {
              "aws:PrincipalArn" = [
                "arn:aws:iam::111122223333:role/gristmill-test-processor",
                "arn:aws:iam::111122223333:role/gristmill-test-notifier",
              ]
            }
          }
        },
      ]
    }
    error_message = "The bucket's policy is not exactly: TLS only; outputs and ledger written once; outputs by the processor alone, the ledger by processor and notifier."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this[0].block_public_acls,
      aws_s3_bucket_public_access_block.this[0].block_public_policy,
      aws_s3_bucket_public_access_block.this[0].ignore_public_acls,
      aws_s3_bucket_public_access_block.this[0].restrict_public_buckets,
    ])
    error_message = "One of the four blocks of public access is off."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this[0].versioning_configuration[0].status == "Enabled"
    error_message = "Versions are off: a run could not read the version that its event names."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_server_side_encryption_configuration.this[0].rule : rule.apply_server_side_encryption_by_default[0].sse_algorithm] == ["AES256"]
    error_message = "Not SSE-S3: another encryption gives the same bytes another ETag with each upload, and so another run."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.this[0].rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "Access control lists are on."
  }

  assert {
    condition     = aws_s3_bucket_notification.this[0].eventbridge
    error_message = "Files that arrive are not announced to EventBridge."
  }

  assert {
    condition     = length(aws_s3_bucket_logging.this) == 0
    error_message = "Access logs are written without a bucket for them."
  }
}

run "files_are_kept_for_a_time_and_contracts_for_good" {
  command = plan

  variables {
    retention_days  = 90
    noncurrent_days = 20
  }

  assert {
    condition = {
      for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : rule.id => {
        prefix      = rule.filter[0].prefix
        transitions = [for transition in rule.transition : "${transition.storage_class} after ${transition.days}"]
        expires     = [for expiration in rule.expiration : expiration.days]
        noncurrent  = [for old in rule.noncurrent_version_expiration : old.noncurrent_days]
        aborts      = [for upload in rule.abort_incomplete_multipart_upload : upload.days_after_initiation]
      } if rule.id != "remove-what-never-became-an-object"
      } == merge(
      {
        for name in ["input", "processed", "rejected", "manifests", "ledger"] : "keep-${name}-for-a-time" => {
          prefix      = "${name}/"
          transitions = ["INTELLIGENT_TIERING after 30"]
          expires     = [90]
          noncurrent  = [20]
          aborts      = []
        }
      },
      {
        keep-contracts = { prefix = "contracts/", transitions = [], expires = [], noncurrent = [90], aborts = [] }
      },
    )
    error_message = "Not: files, outputs and ledger tiered after 30 days and gone after retention_days, and contracts kept."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : rule.noncurrent_version_expiration[0].newer_noncurrent_versions if rule.id == "keep-contracts"] == [10]
    error_message = "The last ten versions of a contract do not stay."
  }

  assert {
    condition = [
      for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule :
      [rule.abort_incomplete_multipart_upload[0].days_after_initiation, length(rule.expiration), length(rule.noncurrent_version_expiration), length(rule.transition)]
      if rule.id == "remove-what-never-became-an-object"
    ] == [[7, 0, 0, 0]]
    error_message = "The rule of the whole bucket removes unfinished uploads after 7 days, and nothing else."
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : rule.status == "Enabled"])
    error_message = "A rule of the lifecycle is off."
  }

  assert {
    condition     = { for name, contract in aws_s3_object.contracts : name => "${contract.key} ${contract.content_type}" } == { "orders.json" = "contracts/orders.json application/json", "ports.csv" = "contracts/ports.csv text/csv" }
    error_message = "Not exactly the contracts and reference files of contracts_dir lie in the bucket."
  }

  assert {
    condition     = alltrue([for name, contract in aws_s3_object.contracts : contract.source_hash == filesha256("tests/contracts/${name}")])
    error_message = "A contract that changed would not be uploaded again."
  }
}

run "administrators_and_access_logs_are_as_named" {
  command = plan

  variables {
    output_administrators = ["arn:aws:iam::111122223333:role/data-protection"]
    access_log_bucket     = "example-access-logs"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.this[0].policy).Statement : statement.Condition.ArnNotEquals["aws:PrincipalArn"] if startswith(statement.Sid, "Only")
      ] == [
      ["arn:aws:iam::111122223333:role/gristmill-test-processor", "arn:aws:iam::111122223333:role/data-protection"],
      ["arn:aws:iam::111122223333:role/gristmill-test-processor", "arn:aws:iam::111122223333:role/gristmill-test-notifier", "arn:aws:iam::111122223333:role/data-protection"],
    ]
    error_message = "The named administrator cannot remove an output or a note, or somebody else can."
  }

  assert {
    condition     = aws_s3_bucket_logging.this[0].target_bucket == "example-access-logs" && aws_s3_bucket_logging.this[0].target_prefix == "gristmill-test-111122223333-eu-central-1/"
    error_message = "Access logs do not go where they should."
  }
}
