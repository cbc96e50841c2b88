# For the teardown alone, copied beside the other files: takes away what protects the states and their key.
# (README.md, "Teardown")
resource "aws_s3_bucket" "state" {
  force_destroy = true

  lifecycle {
    prevent_destroy = false
  }
}

resource "aws_kms_key" "this" {
  lifecycle {
    prevent_destroy = false
  }
}
