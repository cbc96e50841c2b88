//! The decoder of queue messages.

use aws::trigger::{Trigger, parse};
use shared::events::PipelineEvent;
use shared::identity::RunId;
use shared::keys::{MAX_STEM_BYTES, OutputKeys, dataset_of, metadata_value};

/// Whatever the bytes: a message that is understood whole, or an error with a stable name.
pub(crate) fn check(input: &[u8]) {
    let Ok(body) = std::str::from_utf8(input) else { return };
    let message = match parse(body) {
        Ok(message) => message,
        Err(error) => {
            assert!(error.error_type().starts_with("Message."), "{error}");
            return;
        }
    };
    match message.trigger {
        Trigger::Arrivals(arrivals) => {
            for arrival in arrivals {
                check_key(&arrival.source.key);
            }
        }
        Trigger::Pipeline(event) => {
            let detail = serde_json::from_str(&event.detail().unwrap()).unwrap();
            assert_eq!(PipelineEvent::parse(event.detail_type(), detail).unwrap(), *event);
        }
        Trigger::Feedback(feedback) => check_code(feedback.code.as_deref()),
        Trigger::Unrelated { .. } => {}
    }
}

/// Whatever the mail service said: what is logged of it is a word of a list, and no address.
fn check_code(code: Option<&str>) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_- ".contains(&byte);
    assert!(code.is_none_or(|code| (1..=64).contains(&code.len()) && code.bytes().all(plain)), "{code:?}");
}

/// Whatever the key: its outputs lie in their folders, and its metadata is printable ASCII.
pub(crate) fn check_key(key: &str) {
    let dataset = dataset_of(key).unwrap_or("unmatched");
    let run = RunId::try_from("0123456789abcdef0123456789abcdef".to_owned()).unwrap();
    let keys = OutputKeys::of(dataset, key, &run);
    for (output, folder) in
        [(&keys.processed, "processed"), (&keys.rejected, "rejected"), (&keys.errors, "rejected")]
    {
        let parts: Vec<&str> = output.split('/').collect();
        assert_eq!((parts.len(), parts[0]), (3, folder), "{output}");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        assert!(parts[1..].iter().all(|part| !part.is_empty() && *part != "." && *part != ".."), "{output}");
        assert!(parts[1..].iter().all(|part| part.bytes().all(plain)), "{output}");
        assert!(parts[1].len() <= MAX_STEM_BYTES, "{output}");
    }
    assert!(metadata_value(key).bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{key:?}");
}
