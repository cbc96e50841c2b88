use aws::ses::SesMailer;
use aws_smithy_runtime_api::client::result::ConnectorError;
use shared::identity::RunId;
use shared::ports::{Mail, Mailer, SendFault};

use crate::wire::{Reply, Wire};

const RUN: &str = "4f8a1c2b3d4e5f60718293a4b5c6d7e8";

fn mail() -> Mail {
    Mail {
        run_id: RunId::try_from(RUN.to_owned()).unwrap(),
        send_id: "s-1".into(),
        from: "mill@example.com".into(),
        to: vec!["a@example.com".into(), "b@example.com".into()],
        subject: "[gristmill] OK sales.csv – 717 accepted".into(),
        text: "Grüße".into(),
        html: "<p>Grüße</p>".into(),
    }
}

async fn send(wire: &Wire) -> Result<String, SendFault> {
    let config = aws_sdk_sesv2::Config::builder()
        .with_test_defaults_v2()
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .http_client(wire.clone())
        .build();
    let client = aws_sdk_sesv2::Client::from_conf(config);
    SesMailer::new(client, Some("reports".into())).send(&mail()).await
}

#[tokio::test]
async fn a_mail_goes_out_with_both_parts_and_the_tags_that_bring_its_events_home() {
    let wire = Wire::replying([Reply::new(200, r#"{"MessageId":"m-1"}"#)]);
    assert_eq!(send(&wire).await.unwrap(), "m-1");
    let asked = wire.only().json();
    assert_eq!(asked["FromEmailAddress"], "mill@example.com");
    assert_eq!(asked["Destination"]["ToAddresses"][1], "b@example.com");
    assert_eq!(asked["ConfigurationSetName"], "reports");
    let simple = &asked["Content"]["Simple"];
    assert_eq!(simple["Subject"]["Charset"], "UTF-8");
    assert_eq!(simple["Body"]["Text"]["Data"], "Grüße");
    assert_eq!(simple["Body"]["Html"]["Data"], "<p>Grüße</p>");
    let tags: Vec<_> =
        asked["EmailTags"].as_array().unwrap().iter().map(|tag| (&tag["Name"], &tag["Value"])).collect();
    assert_eq!(tags, [(&"run_id".into(), &RUN.into()), (&"send_id".into(), &"s-1".into())]);
}

#[tokio::test]
async fn what_is_known_of_a_mail_follows_from_the_answer() {
    for (status, code, expected) in [
        (429, "TooManyRequestsException", "NotSent"),
        (400, "LimitExceededException", "NotSent"),
        (403, "AccessDeniedException", "NotSent"),
        (403, "ExpiredTokenException", "NotSent"),
        (400, "MessageRejected", "Refused"),
        (400, "MailFromDomainNotVerifiedException", "Refused"),
        (404, "NotFoundException", "Refused"),
        (400, "BadRequestException", "Refused"),
        (400, "AccountSuspendedException", "Refused"),
        (400, "SendingPausedException", "Refused"),
        (500, "InternalServiceErrorException", "Unknown"),
        (503, "ServiceUnavailable", "Unknown"),
    ] {
        let wire = Wire::replying([Reply::json_error(status, code)]);
        let fault = send(&wire).await.unwrap_err();
        assert!(format!("{fault:?}").starts_with(expected), "{status} {code}: {fault:?}");
        assert_eq!(wire.sent().len(), 1, "SES is never asked twice");
    }
}

#[tokio::test]
async fn a_request_whose_answer_got_lost_leaves_the_outcome_unknown() {
    let reset = || ConnectorError::io(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
    let late = || ConnectorError::timeout("read".into());
    for broken in [Reply::Broken(reset), Reply::Broken(late), Reply::new(200, "not JSON")] {
        let fault = send(&Wire::replying([broken])).await.unwrap_err();
        assert!(matches!(fault, SendFault::Unknown(_)), "{fault:?}");
    }
}

#[tokio::test]
async fn a_mail_that_never_found_a_connection_was_not_sent() {
    // A port of our own that nobody listens at any more: the real connector, and a refused connection.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let config = aws_sdk_sesv2::Config::builder()
        .behavior_version(aws_sdk_sesv2::config::BehaviorVersion::v2026_01_12())
        .region(aws_sdk_sesv2::config::Region::from_static("eu-central-1"))
        .credentials_provider(aws_sdk_sesv2::config::Credentials::for_tests())
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .endpoint_url(endpoint)
        .build();
    let mailer = SesMailer::new(aws_sdk_sesv2::Client::from_conf(config), None);
    let fault = mailer.send(&mail()).await.unwrap_err();
    assert!(matches!(fault, SendFault::NotSent(_)), "{fault:?}");
}
