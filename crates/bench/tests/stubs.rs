//! The stand-ins behave as the services do where the binaries depend on it.
#![expect(clippy::unwrap_used, reason = "a test that cannot talk to its stand-in has failed")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bench::files::CONTRACT;
use bench::runtime_api::{RuntimeApi, Said};
use bench::s3::S3;

/// CRC-64/NVME of `123456789`: ae8b14860a799888 (catalogue of parametrised CRC algorithms).
const DIGITS: &str = "rosUhgp5mIg=";

/// Sends requests over one connection and answers with everything that came back.
fn say(address: &str, requests: &[String]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    for request in requests {
        stream.write_all(request.as_bytes()).unwrap();
    }
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    told
}

fn ask(s3: &S3, request: &str) -> String {
    say(s3.endpoint().strip_prefix("http://").unwrap(), &[request.to_owned()])
}

fn request(line: &str, headers: &[(&str, &str)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{line} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

#[test]
fn an_object_is_stored_once_under_a_condition() {
    let s3 = S3::start().unwrap();
    let put = request("PUT /bucket/a%20b.csv?x-id=PutObject", &[("if-none-match", "*")], "123456789");
    assert!(ask(&s3, &put).starts_with("HTTP/1.1 200 "));
    assert!(ask(&s3, &put).contains("<Code>PreconditionFailed</Code>"));
    assert_eq!(s3.object("a b.csv").unwrap().checksum(), DIGITS);
    let recorded = s3.recorded();
    let told: Vec<_> =
        recorded.iter().map(|request| (request.operation, request.bytes, request.status)).collect();
    assert_eq!(told, [("PutObject", 9, 200), ("PutObject", 9, 412)]);
}

#[test]
fn a_body_that_does_not_fit_its_checksum_is_refused() {
    let s3 = S3::start().unwrap();
    let put = |checksum| request("PUT /bucket/a.csv", &[("x-amz-checksum-crc64nvme", checksum)], "123456789");
    assert!(ask(&s3, &put("AAAAAAAAAAA=")).contains("BadDigest"));
    assert!(s3.object("a.csv").is_none());
    assert!(ask(&s3, &put(DIGITS)).starts_with("HTTP/1.1 200 "));
}

#[test]
fn reads_are_conditional_and_may_be_pieces() {
    let s3 = S3::start().unwrap();
    ask(&s3, &request("PUT /bucket/a.csv", &[], "123456789"));
    let etag = s3.object("a.csv").unwrap().etag;
    let get = |headers: &[(&str, &str)]| ask(&s3, &request("GET /bucket/a.csv", headers, ""));
    assert!(get(&[("range", "bytes=6-")]).ends_with("\r\n\r\n789"));
    assert!(get(&[("range", "bytes=0-1")]).ends_with("\r\n\r\n12"));
    assert!(get(&[("if-none-match", &format!("\"{etag}\""))]).starts_with("HTTP/1.1 304 "));
    assert!(get(&[("if-match", "\"other\"")]).starts_with("HTTP/1.1 412 "));
    let whole = get(&[("if-match", &etag), ("x-amz-checksum-mode", "ENABLED")]);
    assert!(whole.contains(&format!("x-amz-checksum-crc64nvme: {DIGITS}\r\n")), "{whole}");
    assert!(whole.ends_with("123456789"));
    assert!(ask(&s3, &request("GET /bucket/b.csv", &[], "")).contains("NoSuchKey"));
    let head = ask(&s3, &request("HEAD /bucket/a.csv", &[], ""));
    assert!(head.contains("content-length: 9\r\n") && head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn an_upload_in_parts_has_the_checksum_of_the_whole() {
    let s3 = S3::start().unwrap();
    let begun = ask(&s3, &request("POST /bucket/a.csv?uploads", &[], ""));
    let id = begun.split("<UploadId>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let first = "1234".repeat(5 * 1024 * 1024 / 4);
    for (number, body) in [(1, first.as_str()), (2, "5678")] {
        let line = format!("PUT /bucket/a.csv?partNumber={number}&uploadId={id}");
        assert!(ask(&s3, &request(&line, &[], body)).starts_with("HTTP/1.1 200 "));
    }
    ask(&s3, &request("PUT /bucket/whole.csv", &[], &format!("{first}5678")));
    let whole = s3.object("whole.csv").unwrap().checksum();
    let parts = |numbers: &[u32]| -> String {
        numbers.iter().map(|number| format!("<Part><PartNumber>{number}</PartNumber></Part>")).collect()
    };
    let complete = |checksum: &str, numbers: &[u32]| {
        let headers = [("x-amz-checksum-crc64nvme", checksum), ("if-none-match", "*")];
        ask(&s3, &request(&format!("POST /bucket/a.csv?uploadId={id}"), &headers, &parts(numbers)))
    };
    assert!(complete(DIGITS, &[1, 2]).contains("BadDigest"));
    assert!(complete(&whole, &[2, 1]).contains("InvalidPartOrder"));
    assert!(complete(&whole, &[1, 3]).contains("InvalidPart"));
    assert_eq!(s3.unfinished_uploads(), 1);
    assert!(complete(&whole, &[1, 2]).contains(&whole));
    assert_eq!((s3.unfinished_uploads(), s3.object("a.csv").unwrap().size), (0, 5 * 1024 * 1024 + 4));
}

#[test]
fn a_part_that_is_too_small_is_refused_unless_it_is_the_last() {
    let s3 = S3::start().unwrap();
    ask(&s3, &request("POST /bucket/a.csv?uploads", &[], ""));
    for number in [1, 2] {
        ask(&s3, &request(&format!("PUT /bucket/a.csv?partNumber={number}&uploadId=upload-1"), &[], "1234"));
    }
    let complete = |numbers| ask(&s3, &request("POST /bucket/a.csv?uploadId=upload-1", &[], numbers));
    assert!(complete("<PartNumber>1</PartNumber><PartNumber>2</PartNumber>").contains("EntityTooSmall"));
    assert!(complete("<PartNumber>2</PartNumber>").contains("CompleteMultipartUploadResult"));
    let aborted = ask(&s3, &request("DELETE /bucket/a.csv?uploadId=upload-1", &[], ""));
    assert!(aborted.contains("NoSuchUpload"));
}

#[test]
fn a_connection_carries_several_requests_also_after_trailers() {
    let s3 = S3::start().unwrap();
    let wrapped = format!("9\r\n123456789\r\n0\r\nx-amz-checksum-crc64nvme:{DIGITS}\r\n\r\n");
    let streamed = request(
        "PUT /bucket/a.csv",
        &[("content-encoding", "aws-chunked"), ("expect", "100-continue")],
        &wrapped,
    );
    let chunked = "PUT /bucket/b.csv HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-encoding: aws-chunked\r\n\r\n\
                   13\r\n9\r\n123456789\r\n0\r\n\r\n\r\n0\r\n\r\n";
    let list = request("GET /bucket?list-type=2&prefix=", &[], "");
    let address = s3.endpoint();
    let told = say(address.strip_prefix("http://").unwrap(), &[streamed, chunked.to_owned(), list]);
    assert!(told.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 "), "{told}");
    assert!(told.contains("<Key>a.csv</Key></Contents><Contents><Key>b.csv</Key>"), "{told}");
    assert_eq!(s3.object("b.csv").unwrap().checksum(), DIGITS);
    assert_eq!(s3.recorded()[0].header("x-amz-checksum-crc64nvme"), Some(DIGITS));
}

#[test]
fn an_object_may_lie_in_a_file() {
    let s3 = S3::start().unwrap();
    let stored = s3.put_file("contracts/smartphone_sales.json", CONTRACT.as_ref()).unwrap();
    let told = ask(&s3, &request("GET /bucket/contracts/smartphone_sales.json", &[], ""));
    assert!(told.contains(&format!("content-length: {}\r\n", stored.size)));
    assert!(told.ends_with(&std::fs::read_to_string(CONTRACT).unwrap()));
}

#[test]
fn a_function_gets_its_events_and_is_heard() {
    let api = RuntimeApi::start().unwrap();
    api.offer("{\"first\":1}");
    let next = request("GET /2018-06-01/runtime/invocation/next", &[], "");
    let answer = request("POST /2018-06-01/runtime/invocation/r1/response", &[], "{}");
    let failure = request("POST /2018-06-01/runtime/invocation/r2/error", &[], "broken");
    let told = say(&api.address(), &[next, answer, failure]);
    assert!(told.contains("lambda-runtime-aws-request-id: ") && told.contains("{\"first\":1}"), "{told}");
    let patience = Duration::from_secs(10);
    assert!(matches!(api.next(patience).unwrap(), Said::Polled(_)));
    assert_eq!(api.next(patience).unwrap(), Said::Answered { id: "r1".into(), body: "{}".into() });
    assert_eq!(api.next(patience).unwrap(), Said::Failed { id: "r2".into(), body: "broken".into() });
}

#[test]
fn a_function_without_an_event_waits_until_it_hangs_up() {
    let api = RuntimeApi::start().unwrap();
    let next = request("GET /2018-06-01/runtime/invocation/next", &[], "");
    assert_eq!(say(&api.address(), &[next]), "");
    assert!(matches!(api.next(Duration::from_secs(10)).unwrap(), Said::Polled(_)));
}
