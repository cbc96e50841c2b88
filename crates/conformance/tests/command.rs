//! The command, where it may not run at all.

use std::io;
use std::process::{Command, Output};

fn conformance(arguments: &[&str], environment: &[(&str, &str)]) -> io::Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
    command.env_clear().args(arguments).envs(environment.iter().copied()).output()
}

#[test]
fn aws_without_an_endpoint_on_this_machine_is_refused_and_not_left_out() {
    let elsewhere = "https://s3.eu-central-1.amazonaws.com";
    for (arguments, environment, said) in [
        (&["--aws"][..], &[][..], "AWS_ENDPOINT_URL is not set"),
        (&["--aws"], &[("AWS_ENDPOINT_URL", "")], "AWS_ENDPOINT_URL is not set"),
        (&["--aws"], &[("AWS_ENDPOINT_URL", elsewhere)], "is not on this machine"),
        (
            &["--aws"],
            &[("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ENDPOINT_URL_S3", elsewhere)],
            "is not on this machine",
        ),
        (&["--aws", "--really"], &[], "--bucket"),
        (&["--really", "--bucket", "b"], &[], "--aws"),
    ] {
        let output = conformance(arguments, environment).unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(said), "{arguments:?}: {told}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_suite_that_tries_nothing_is_no_success() {
    let output = conformance(&["--only", "no such case"], &[]).unwrap();
    assert_eq!(output.status.code(), Some(1));
}
