# What the functions are told. `environment.json` is the list of what they read; a test of crates/aws/src/config.rs
# compares it with the code.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "what_nobody_sets_is_left_to_the_functions" {
  command = plan

  assert {
    condition = module.processor.environment == tomap({
      GRISTMILL_EVENT_BUS     = "gristmill-test"
      GRISTMILL_S3_PATH_STYLE = "false"
    })
    error_message = "By default the processor is told its bus, and its limits are those of docs/LIMITS.md."
  }

  assert {
    condition = module.analyzer.environment == tomap({
      GRISTMILL_EVENT_BUS      = "gristmill-test"
      GRISTMILL_TABLE          = "gristmill-test-analyses"
      GRISTMILL_MODEL_ID       = "amazon.nova-lite-v1:0"
      GRISTMILL_RETENTION_DAYS = "365"
      GRISTMILL_S3_PATH_STYLE  = "false"
    })
    error_message = "By default the analyzer is told its bus, its table and the model."
  }

  assert {
    condition = module.notifier.environment == tomap({
      GRISTMILL_TABLE             = "gristmill-test-analyses"
      GRISTMILL_SENDER            = "Gristmill <reports@example.com>"
      GRISTMILL_CONFIGURATION_SET = "gristmill-test"
      GRISTMILL_OUTPUT_BASE       = "s3://gristmill-test-111122223333-eu-central-1"
      GRISTMILL_RETENTION_DAYS    = "365"
      GRISTMILL_S3_PATH_STYLE     = "false"
      GRISTMILL_UNSETTLED_MAIL    = "resend"
    })
    error_message = "By default the notifier is told its table, its sender, where outputs lie and to send an unsettled mail again, and no recipients."
  }

  assert {
    condition = alltrue([
      for stage, names in jsondecode(file("environment.json")) : length(setsubtract(
        keys({ processor = module.processor, analyzer = module.analyzer, notifier = module.notifier }[stage].environment), names
      )) == 0
    ])
    error_message = "A function is told something that environment.json does not know."
  }
}

run "everything_that_can_be_set_reaches_its_function" {
  command = plan

  variables {
    limits = {
      max_file_bytes     = 8 * 1024 * 1024 * 1024
      max_unpacked_bytes = 20 * 1024 * 1024 * 1024
      max_unpacked_ratio = 50
    }
    model          = { id = "amazon.nova-micro-v1:0" }
    recipients     = ["one@example.com", "two@example.com"]
    sender         = "reports@mail.example.com"
    sender_name    = ""
    retention_days = 90
    s3_path_style  = true
    unsettled_mail = "park"
  }

  assert {
    condition = {
      for stage, module in { processor = module.processor, analyzer = module.analyzer, notifier = module.notifier } :
      stage => toset(keys(module.environment))
    } == { for stage, names in jsondecode(file("environment.json")) : stage => toset(names) }
    error_message = "With everything set, a function is told other variables than environment.json lists."
  }

  assert {
    condition = module.processor.environment == tomap({
      GRISTMILL_EVENT_BUS          = "gristmill-test"
      GRISTMILL_MAX_FILE_BYTES     = "8589934592"
      GRISTMILL_MAX_UNPACKED_BYTES = "21474836480"
      GRISTMILL_MAX_UNPACKED_RATIO = "50"
      GRISTMILL_S3_PATH_STYLE      = "true"
    })
    error_message = "The processor's limits are written in digits, as it reads them."
  }

  assert {
    condition     = module.analyzer.environment.GRISTMILL_MODEL_ID == "amazon.nova-micro-v1:0" && module.analyzer.environment.GRISTMILL_RETENTION_DAYS == "90"
    error_message = "The analyzer is not told the model and the retention."
  }

  assert {
    condition = (
      module.notifier.environment.GRISTMILL_RECIPIENTS == "one@example.com,two@example.com" &&
      module.notifier.environment.GRISTMILL_SENDER == "reports@mail.example.com" &&
      module.notifier.environment.GRISTMILL_RETENTION_DAYS == "90" &&
      module.notifier.environment.GRISTMILL_UNSETTLED_MAIL == "park"
    )
    error_message = "The notifier is not told the recipients, the bare sender, the retention and what to do about an unsettled mail."
  }
}
