# The contracts of the repository, and the reference files that they name. A new one is put into the bucket with the next
# deploy, and works at once: the processor asks for its contract at every file.

locals {
  content_types = {
    json = "application/json"
    csv  = "text/csv"
  }
}

resource "aws_s3_object" "contracts" {
  for_each = fileset(var.contracts_dir, "*.{json,csv}")

  bucket       = local.own_bucket ? aws_s3_bucket.this[0].id : local.names.bucket
  key          = "contracts/${each.value}"
  source       = "${var.contracts_dir}/${each.value}"
  source_hash  = filesha256("${var.contracts_dir}/${each.value}")
  content_type = local.content_types[reverse(split(".", each.value))[0]]

  # Earlier contracts stay readable as versions, and the first one is written under the policy too.
  depends_on = [aws_s3_bucket_versioning.this, aws_s3_bucket_policy.this]
}
