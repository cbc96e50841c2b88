# The bucket: files arrive in input/, contracts lie in contracts/, the processor writes the rest, and the notifier its word
# in ledger/.
#
# With `existing_bucket` all of this is its owner's: a bucket has one policy, one lifecycle and one notification
# configuration, and a second stack that sets one silently takes the first one's away.

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_145:SSE-S3 on purpose. Under SSE-KMS the same bytes get another ETag with each upload, and the ETag is part of a run's identity: a file uploaded twice would be processed and mailed twice.
  #checkov:skip=CKV_AWS_144:A copy in another region is for the account's owner to decide and to pay; versions protect against mistakes here.
  #checkov:skip=CKV_AWS_18:Access logs go to the bucket that access_log_bucket names; one of them serves a whole account.
  count = local.own_bucket ? 1 : 0

  bucket        = local.names.bucket
  force_destroy = !var.deletion_protection
}

resource "aws_s3_bucket_ownership_controls" "this" {
  count = local.own_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  rule {
    # No access control lists: who may do what is in the policies alone.
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  count = local.own_bucket ? 1 : 0

  bucket                  = aws_s3_bucket.this[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  count = local.own_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  versioning_configuration {
    # A run reads the version that its event names, whatever is uploaded under the same key meanwhile.
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  count = local.own_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_logging" "this" {
  count = local.own_bucket && var.access_log_bucket != null ? 1 : 0

  bucket        = aws_s3_bucket.this[0].id
  target_bucket = var.access_log_bucket
  target_prefix = "${local.names.bucket}/"
}

resource "aws_s3_bucket_notification" "this" {
  count = local.own_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id
  # To the default bus; the rules decide what becomes of it.
  eventbridge = true
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count = local.own_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  # One rule a prefix, since a rule cannot say "all but contracts/".
  dynamic "rule" {
    for_each = concat(["input/"], local.output_prefixes, [local.ledger_prefix])

    content {
      id     = "keep-${trimsuffix(rule.value, "/")}-for-a-time"
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      transition {
        days          = 30
        storage_class = "INTELLIGENT_TIERING"
      }

      expiration {
        days = var.retention_days
      }

      noncurrent_version_expiration {
        noncurrent_days = var.noncurrent_days
      }
    }
  }

  rule {
    # A contract lives until it is deleted; of its earlier versions the last ten stay, to go back to.
    id     = "keep-contracts"
    status = "Enabled"

    filter {
      prefix = "contracts/"
    }

    noncurrent_version_expiration {
      noncurrent_days           = var.retention_days
      newer_noncurrent_versions = 10
    }
  }

  rule {
    # An upload that was cut off leaves parts, which cost and are seen nowhere.
    id     = "remove-what-never-became-an-object"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # Noncurrent versions exist only where versioning is on.
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_policy" "this" {
  count = local.own_bucket ? 1 : 0

  bucket = aws_s3_bucket.this[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.arns.bucket, "${local.arns.bucket}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # Parts of an upload carry no condition, so only what creates an object is asked for one.
        # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html)
        Sid       = "OutputsAndLedgerAreWrittenOnce"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = [for prefix in concat(local.output_prefixes, [local.ledger_prefix]) : "${local.arns.bucket}/${prefix}*"]
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
        Resource  = [for prefix in local.output_prefixes : "${local.arns.bucket}/${prefix}*"]
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = concat([local.arns.roles.processor], var.output_administrators) } }
      },
      {
        # A forged note would be taken for a run that was made, or a mail that was sent, and the file would be forgotten.
        Sid       = "OnlyProcessorAndNotifierWriteTheLedger"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]
        Resource  = ["${local.arns.bucket}/${local.ledger_prefix}*"]
        Condition = {
          ArnNotEquals = { "aws:PrincipalArn" = concat([local.arns.roles.processor, local.arns.roles.notifier], var.output_administrators) }
        }
      },
    ]
  })

  # The other way round, the block of public policies may refuse this one while both are being made.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
