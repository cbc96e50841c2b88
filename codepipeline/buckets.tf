# Two buckets: the states, which must survive, and what the steps hand to each other, which need not.

locals {
  buckets = {
    state = { bucket = aws_s3_bucket.state.id, name = local.names.state_bucket, arn = local.arns.state_bucket }
    build = { bucket = aws_s3_bucket.build.id, name = local.names.build_bucket, arn = local.arns.build_bucket }
  }
}

resource "aws_s3_bucket" "state" {
  #checkov:skip=CKV_AWS_144:A copy in another region is for the account's owner to decide and to pay; versions protect against mistakes here.
  #checkov:skip=CKV_AWS_18:Access logs go to the bucket that access_log_bucket names; one of them serves a whole account.
  bucket = local.names.state_bucket

  lifecycle {
    # A stack without its state must be imported piece by piece.
    prevent_destroy = true
  }
}

resource "aws_s3_bucket" "build" {
  #checkov:skip=CKV_AWS_144:What is in it can be built again.
  #checkov:skip=CKV_AWS_18:Access logs go to the bucket that access_log_bucket names; one of them serves a whole account.
  bucket = local.names.build_bucket
  # Nothing in it is kept for longer than a pipeline needs it.
  force_destroy = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets

  bucket = each.value.bucket

  rule {
    # No access control lists: who may do what is in the policies alone.
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = local.buckets

  bucket                  = each.value.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.buckets

  bucket = each.value.bucket

  versioning_configuration {
    # A state can be gone back to, and a step reads the very artifact that the step before it wrote.
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets

  bucket = each.value.bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this.arn
    }
    # One request to KMS serves many objects: each request costs.
    bucket_key_enabled = true
  }
}

resource "aws_s3_bucket_logging" "this" {
  for_each = var.access_log_bucket == null ? {} : local.buckets

  bucket        = each.value.bucket
  target_bucket = var.access_log_bucket
  target_prefix = "${each.value.name}/"
}

resource "aws_s3_bucket_notification" "this" {
  for_each = local.buckets

  bucket = each.value.bucket
  # To the default bus. A rule tells of each object that somebody deletes (alerts.tf).
  eventbridge = true
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    # Each apply writes a version. The newest twenty are kept however old they are.
    id     = "forget-old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days           = var.state_noncurrent_days
      newer_noncurrent_versions = 20
    }
  }

  rule {
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

resource "aws_s3_bucket_lifecycle_configuration" "build" {
  bucket = aws_s3_bucket.build.id

  rule {
    id     = "remove-old-artifacts"
    status = "Enabled"

    filter {}

    expiration {
      days = var.artifact_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.buckets

  bucket = each.value.bucket

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [each.value.arn, "${each.value.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # Whoever asks for no encryption gets the bucket's own, by the key. Asking for another one is refused. Both conditions:
        # "not equal" alone is also true of a request that asks for none.
        Sid       = "OnlyKmsEncrypts"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${each.value.arn}/*"
        Condition = {
          Null            = { "s3:x-amz-server-side-encryption" = "false" }
          StringNotEquals = { "s3:x-amz-server-side-encryption" = "aws:kms" }
        }
      },
    ]
  })

  # The other way round, the block of public policies may refuse this one while both are being made.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
