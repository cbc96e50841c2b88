//! The message that announces a file, as S3 would have sent it.

use serde_json::json;
use shared::ports::SourceObject;

/// Who says so.
pub const SOURCE: &str = "gristmill.operator";

/// The body that the processor's queue gets: an "Object Created" of S3 through `EventBridge`, with the key as it stands.
///
/// `id` is the command's, so that all messages of a command can be found in the logs. A `nonce` makes the file a run of
/// its own; the same nonce again is the same run.
#[must_use]
pub fn body(source: &SourceObject, id: &str, nonce: Option<&str>) -> String {
    let SourceObject { bucket, key, etag, version_id, size } = source;
    let mut object = json!({ "key": key, "size": size, "etag": etag.as_str() });
    if let (Some(object), Some(version_id)) = (object.as_object_mut(), version_id) {
        object.insert("version-id".to_owned(), json!(version_id));
    }
    let mut detail =
        json!({ "version": "0", "bucket": { "name": bucket }, "object": object, "reason": SOURCE });
    if let (Some(detail), Some(nonce)) = (detail.as_object_mut(), nonce) {
        detail.insert("nonce".to_owned(), json!(nonce));
    }
    json!({ "version": "0", "id": id, "detail-type": "Object Created", "source": SOURCE, "detail": detail })
        .to_string()
}

#[cfg(test)]
mod tests {
    use aws::trigger::{Arrival, Trigger, parse};
    use shared::identity::ETag;

    use super::*;

    #[test]
    fn the_processor_reads_the_very_file_and_the_nonce() {
        for (version_id, nonce) in [(None, None), (Some("v1"), Some("again")), (Some("v1"), None)] {
            let source = SourceObject {
                bucket: "b".into(),
                key: "input/sales/May 2026 + June%20\u{1}\u{e4}\"\\.csv".into(),
                etag: ETag::parse("e"),
                version_id: version_id.map(str::to_owned),
                size: 7,
            };
            let message = parse(&body(&source, "replay-1", nonce)).unwrap();
            assert_eq!(message.id.as_deref(), Some("replay-1"));
            let nonce = nonce.map(str::to_owned);
            assert_eq!(message.trigger, Trigger::Arrivals(vec![Arrival { source, nonce }]));
        }
    }
}
