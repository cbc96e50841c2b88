# What a stage refuses. A run names every variable that must refuse the value that it gets.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "what_would_weaken_a_stage_is_refused" {
  command = plan

  variables {
    function_name     = "no spaces"
    queue_name        = "no.dots"
    max_receive_count = 2
    rules             = {}
    architecture      = "riscv64"
    sizes             = { memory_mb = 64, timeout_seconds = 40, maximum_concurrency = 3, reserved_concurrency = 4 }
    statements        = [{ sid = "NoWildcards", actions = ["s3:*"], resources = ["arn:aws:s3:::example/*"] }]
    key_statements    = [{ sid = "NoCondition", actions = ["kms:Decrypt"], conditions = {} }]
  }

  expect_failures = [
    var.function_name, var.queue_name, var.max_receive_count, var.rules, var.architecture, var.sizes, var.statements, var.key_statements,
  ]
}

run "a_resource_of_everything_is_refused" {
  command = plan

  variables {
    function_name     = "sixty-five-characters-are-one-more-than-a-function-may-have-in-it"
    queue_name        = "sixty-five-characters-are-one-more-than-a-target's-id-may-have-00"
    max_receive_count = 1001
    rules             = { a-hyphen = { name = "example", bus = "default", description = "", pattern = "{}" } }
    sizes             = { memory_mb = 512, timeout_seconds = 901, maximum_concurrency = 3, reserved_concurrency = 4 }
    statements        = [{ sid = "Everything", actions = ["s3:GetObject"], resources = ["*"] }]
  }

  expect_failures = [var.function_name, var.queue_name, var.max_receive_count, var.rules, var.sizes, var.statements]
}

run "a_statement_without_a_sid_is_refused" {
  command = plan

  variables {
    rules      = { broken = { name = "example", bus = "default", description = "", pattern = "not JSON" } }
    sizes      = { memory_mb = 512, timeout_seconds = 40, maximum_concurrency = 1, reserved_concurrency = 4 }
    statements = [{ sid = "", actions = ["s3:GetObject"], resources = ["arn:aws:s3:::example/*"] }]
  }

  expect_failures = [var.rules, var.sizes, var.statements]
}

run "fewer_reserved_than_the_queue_starts_are_refused" {
  command = plan

  variables {
    rules = { long = { name = "sixty-five-characters-are-one-more-than-a-rule's-name-may-have-00", bus = "default", description = "", pattern = "{}" } }
    sizes = { memory_mb = 512, timeout_seconds = 40, maximum_concurrency = 3, reserved_concurrency = 2 }
  }

  expect_failures = [var.rules, var.sizes]
}

run "a_schedule_on_another_bus_is_refused" {
  command = plan

  variables {
    rules = { elsewhere = { name = "example", bus = "example", description = "", schedule = "rate(1 hour)", input = "{\"source\":\"example\",\"detail-type\":\"Hour\",\"detail\":{}}" } }
  }

  expect_failures = [var.rules]
}

run "a_schedule_that_says_nothing_is_refused" {
  command = plan

  variables {
    rules = { silent = { name = "example", bus = "default", description = "", schedule = "rate(1 hour)" } }
  }

  expect_failures = [var.rules]
}

run "a_schedule_in_another_form_is_refused" {
  command = plan

  variables {
    rules = { hourly = { name = "example", bus = "default", description = "", schedule = "hourly", input = "{\"source\":\"example\",\"detail-type\":\"Hour\",\"detail\":{}}" } }
  }

  expect_failures = [var.rules]
}

run "what_a_schedule_sends_has_the_form_of_an_event" {
  command = plan

  variables {
    rules = { bare = { name = "example", bus = "default", description = "", schedule = "rate(1 hour)", input = "{\"detail\":{}}" } }
  }

  expect_failures = [var.rules]
}

run "a_pattern_hands_over_the_event_as_it_is" {
  command = plan

  variables {
    rules = { changed = { name = "example", bus = "default", description = "", pattern = "{}", input = "{\"source\":\"example\",\"detail-type\":\"Hour\",\"detail\":{}}" } }
  }

  expect_failures = [var.rules]
}

run "a_rule_without_pattern_and_schedule_is_refused" {
  command = plan

  variables {
    rules = { empty = { name = "example", bus = "default", description = "" } }
  }

  expect_failures = [var.rules]
}

run "a_rule_with_both_is_refused" {
  command = plan

  variables {
    rules = { both = { name = "example", bus = "default", description = "", pattern = "{}", schedule = "rate(1 hour)", input = "{\"source\":\"example\",\"detail-type\":\"Hour\",\"detail\":{}}" } }
  }

  expect_failures = [var.rules]
}
