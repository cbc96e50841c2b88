# A bad value is told at the plan, in words, and not by AWS at the apply. A run names every variable that must refuse the
# value that it gets; one that does not, fails the run.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "bad_names_addresses_and_numbers_are_refused" {
  command = plan

  variables {
    name                     = "Gristmill"
    environment              = "dev-1"
    region                   = "Frankfurt"
    existing_bucket          = "Not_A_Bucket"
    access_log_bucket        = "s3://logs"
    output_administrators    = ["arn:aws:iam::111122223333:user/somebody"]
    sender                   = "Reports <reports@example.com>"
    sender_name              = "Reports <script>"
    recipients               = ["one@example.com", "two"]
    sandbox_recipients       = ["*"]
    alert_emails             = ["somebody"]
    model                    = { arns = ["*"] }
    architecture             = "riscv64"
    permissions_boundary_arn = "arn:aws:iam::111122223333:role/not-a-policy"
    code_signing_config_arn  = "csc-0123456789abcdefg"
    log_retention_days       = 30
    retention_days           = 44
    noncurrent_days          = 18
    archive_days             = 0
    limits                   = { max_file_bytes = 0 }
    monthly_budget_usd       = -1
    budget_scope             = "team"
    unsettled_mail           = "maybe"
  }

  expect_failures = [
    var.name, var.environment, var.region, var.existing_bucket, var.access_log_bucket, var.output_administrators,
    var.sender, var.sender_name, var.recipients, var.sandbox_recipients, var.alert_emails, var.model, var.architecture,
    var.permissions_boundary_arn, var.code_signing_config_arn, var.log_retention_days, var.retention_days, var.noncurrent_days, var.archive_days,
    var.limits, var.monthly_budget_usd, var.budget_scope, var.unsettled_mail,
  ]
}

run "values_beyond_the_other_end_are_refused" {
  command = plan

  variables {
    name                  = "a-name-of-more-than-20"
    environment           = "elevenchars"
    sender                = "reports@example"
    sender_name           = "A name that is much longer than the sixty-four characters it may have"
    output_administrators = ["arn:aws:iam::111122223333:role/*"]
    model                 = { id = "eu.amazon.nova-lite-v1:0" }
    log_retention_days    = 366
    retention_days        = 3651
    noncurrent_days       = 30.5
    archive_days          = 1.5
    limits                = { max_unpacked_ratio = 2001 }
  }

  expect_failures = [
    var.name, var.environment, var.sender, var.sender_name, var.output_administrators, var.model, var.log_retention_days,
    var.retention_days, var.noncurrent_days, var.archive_days, var.limits,
  ]
}

run "a_sender_of_another_domain_is_refused" {
  command = plan

  variables {
    # Not below example.com, although it ends with it.
    sender         = "reports@notexample.com"
    name           = "ab"
    model          = { id = "Nova Lite" }
    retention_days = 90.5
    contracts_dir  = "tests/no-such-folder"
    limits         = { max_unpacked_bytes = 1.5 }
  }

  expect_failures = [var.identity, var.name, var.model, var.retention_days, var.contracts_dir, var.limits]
}
