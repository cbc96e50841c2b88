"""S3 as AWS answers: what moto 5.2.5 does otherwise. Imported by emulator_server.py. Its events are in emulator_events.py."""

import base64
import binascii
import hashlib
import urllib.parse
from xml.etree import ElementTree

from awscrt import checksums
from moto.s3.exceptions import InvalidPart, NoSuchUpload, S3ClientError
from moto.s3.models import FakeBucket, S3Backend
from moto.s3.responses import S3Response

from emulator_patch import replaces

MAX_KEY_BYTES = 1024


# S3: how many earlier versions a lifecycle rule keeps whatever their age; moto does not keep the number.
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_NoncurrentVersionExpiration.html)
@replaces(FakeBucket, "set_lifecycle")
def with_newer_versions(original, bucket, rules):
    original(bucket, rules)
    for kept, rule in zip(bucket.rules, rules):
        kept.newer_noncurrent_versions = (rule.get("NoncurrentVersionExpiration") or {}).get("NewerNoncurrentVersions")


# S3: that a bucket tells EventBridge; moto does so, and does not say it.
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html)
@replaces(S3Response, "serialized")
def tell_what_is_kept(original, response, action_result):
    told, action = getattr(action_result, "result", None), response.data.get("Action")
    if isinstance(told, dict) and action == "GetBucketLifecycleConfiguration":
        for rule, kept in zip(told["Rules"], response.backend.get_bucket_lifecycle(response.bucket_name)):
            if kept.newer_noncurrent_versions:
                rule["NoncurrentVersionExpiration"]["NewerNoncurrentVersions"] = kept.newer_noncurrent_versions
    if isinstance(told, dict) and action == "GetBucketNotificationConfiguration":
        kept = response.backend.get_bucket_notification_configuration(response.bucket_name)
        if kept.event_bridge is not None:
            told["EventBridgeConfiguration"] = {}
    if isinstance(told, dict) and action == "ListObjectVersions":
        encode_keys(response, told)
    return original(response, action_result)


# S3: a listing of versions encodes its keys when it is asked to; moto does not, and a key that XML cannot hold breaks it.
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html)
def encode_keys(response, told):
    if response.querystring.get("encoding-type") != ["url"]:
        return
    told["EncodingType"] = "url"
    for name in ("Prefix", "Delimiter", "KeyMarker", "NextKeyMarker"):
        if told.get(name):
            told[name] = urllib.parse.quote_plus(told[name], safe="/")
    for entry in told["Versions"] + told["DeleteMarkers"]:
        entry["Key"] = urllib.parse.quote_plus(entry["Key"], safe="/")


# S3: a listing of versions goes on after the version that is named, or after all versions of the key when none is; moto skips
# one version of the next key, or all that follow when the named one is gone. (If it is gone, its key is told once more here.)
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html)
@replaces(S3Backend, "list_object_versions")
def go_on_where_it_ended(original, backend, bucket_name, **named):
    if named.get("delimiter"):
        return original(backend, bucket_name, **named)
    after, most = named.get("key_marker"), named.get("max_keys")
    every = versions_after(backend.get_bucket(bucket_name), named.get("prefix") or "", after, named.get("version_id_marker"))
    page = every if most is None else every[:most]
    kept = [version for version in page if hasattr(version, "size")]
    markers = [version for version in page if not hasattr(version, "size")]
    last = page[-1] if page and len(every) > len(page) else None
    return kept, [], markers, last and last.name, last and last.version_id


def versions_after(bucket, prefix, key_marker, version_id_marker):
    """The versions and delete markers of a bucket in the order of a listing: by key, and the latest first."""
    found = []
    for name, versions in sorted(bucket.keys.iterlists()):
        newest_first = list(reversed(versions))
        for version in newest_first:
            version.is_latest = version is newest_first[0]
        if key_marker and name <= key_marker:
            ids = [version.version_id for version in newest_first]
            if name < key_marker or not version_id_marker:
                continue
            if version_id_marker in ids:
                newest_first = newest_first[ids.index(version_id_marker) + 1 :]
        if name.startswith(prefix):
            found += newest_first
    return found


# S3: the checksum that comes with a body is compared with it, kept, and told again, and an object that came with none has
# its CRC-64/NVME; moto believes whatever it is told, and keeps it only together with the name of the algorithm.
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html,
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html)
ALGORITHMS = {
    "CRC64NVME": lambda body: checksums.crc64nvme(body).to_bytes(8, "big"),
    "CRC32": lambda body: binascii.crc32(body).to_bytes(4, "big"),
    "CRC32C": lambda body: checksums.crc32c(body).to_bytes(4, "big"),
    "SHA1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "SHA256": lambda body: hashlib.sha256(body).digest(),
}


def checksum(algorithm, body):
    return base64.b64encode(ALGORITHMS[algorithm](bytes(body or b""))).decode()


def stated(response):
    """The checksum that a request states, as (algorithm, value); None when it states none."""
    for algorithm in ALGORITHMS:
        name = f"x-amz-checksum-{algorithm.lower()}"
        if response.headers.get(name):
            return algorithm, response.headers.get(name)
        if response.headers.get("x-amz-trailer", "").lower() == name:
            trailer = bytes(response.raw_body[-400:]).rpartition(f"{name}:".encode())[2]
            return algorithm, trailer.split(b"\r\n")[0].decode().strip()
    return None


def compared(response):
    """The checksum of a request's body, when it is what the request states."""
    said = stated(response)
    algorithm = said[0] if said else "CRC64NVME"
    found = checksum(algorithm, response.body)
    if said and said[1] != found:
        raise S3ClientError("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")
    return algorithm, found


@replaces(S3Response, "_get_checksum")
def kept_as_it_is(_, response, response_headers):
    # Asked for after a part was stored, and by calls whose body is no object.
    algorithm, value = getattr(response, "compared", None) or ("", None)
    if algorithm:
        response_headers[f"x-amz-checksum-{algorithm.lower()}"] = value
    return algorithm, value


@replaces(S3Response, "put_object")
def put_what_is_whole(original, response):
    refuse_a_long_key(response.parse_key_name())
    response.compared = compared(response)
    status, headers, body = original(response)
    key = response.backend.get_object(response.bucket_name, response.parse_key_name())
    key.checksum_type = "FULL_OBJECT"
    headers["x-amz-checksum-type"] = "FULL_OBJECT"
    return status, headers, body


@replaces(S3Response, "head_object")
def tell_the_type_of_the_checksum(original, response, bucket_name, query, key_name, headers):
    status, told, body = original(response, bucket_name, query, key_name, headers=headers)
    if any(name.startswith("x-amz-checksum-") for name in told):
        key = response.backend.get_object(bucket_name, key_name, version_id=query.get("versionId", [None])[0])
        told["x-amz-checksum-type"] = key.checksum_type or "FULL_OBJECT"
    return status, told, body


@replaces(S3Response, "upload_part")
def a_part_that_is_whole(original, response):
    upload = the_upload(response, response._get_param("uploadId"))
    response.compared = compared(response)
    answer = original(response)
    upload.parts[response._get_int_param("partNumber")].gristmill_checksum = response.compared
    return answer


# S3: an upload that is not there is said to be not there; moto fails.
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html)
def the_upload(response, upload_id):
    upload = response.backend.get_bucket(response.bucket_name).multiparts.get(upload_id)
    if upload is None:
        raise NoSuchUpload(upload_id=upload_id)
    return upload


# S3: parts are put together when their checksums, the size of the whole, and its checksum are those that are stated; moto
# looks at none of them.
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html)
@replaces(S3Response, "_key_response_post")
def complete_what_is_whole(original, response, request, body, bucket_name, query, key_name):
    if "uploads" in query:
        refuse_a_long_key(key_name)
    upload_id = (query.get("uploadId") or [None])[0]
    if upload_id:
        there = response.backend.get_object(bucket_name, key_name)
        again = there is not None and there.multipart and there.multipart.id == upload_id
        forbidden = there is not None and response.headers.get("If-None-Match") == "*"
        # Moto answers both of these rightly.
        if not again and not forbidden:
            compare_the_whole(response, the_upload(response, upload_id), body)
    return original(response, request, body, bucket_name, query, key_name)


def compare_the_whole(response, upload, body):
    parts = []
    for named in ElementTree.fromstring(body).iterfind("{*}Part"):
        part = upload.parts.get(int(named.findtext("{*}PartNumber")))
        algorithm, value = getattr(part, "gristmill_checksum", (None, None))
        said = named.findtext(f"{{*}}Checksum{algorithm}")
        if part is None or (said and said != value):
            raise InvalidPart()
        parts.append(part)
    size = response.headers.get("x-amz-mp-object-size")
    if size and int(size) != sum(part.size for part in parts):
        raise S3ClientError("InvalidRequest", "The size of the completed object does not match x-amz-mp-object-size.")
    said = stated(response)
    if said and said[1] != checksum(said[0], b"".join(part.value for part in parts)):
        raise S3ClientError("BadDigest", f"The {said[0]} you specified did not match the calculated checksum.")


# S3: a key has at most 1,024 bytes; moto takes more.
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html)
def refuse_a_long_key(key):
    if len(key.encode()) > MAX_KEY_BYTES:
        raise S3ClientError("KeyTooLongError", "Your key is too long")
