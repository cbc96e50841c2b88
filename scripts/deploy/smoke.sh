#!/usr/bin/env bash
# Drops a small file into a deployed stack, and waits until its report is out.
#
#   GRISTMILL_BUCKET=… GRISTMILL_TABLE=… AWS_REGION=… bash scripts/deploy/smoke.sh
#
# The file is samples/smoke_test.csv, under a key that was never there before, so that it is a run of its own. Its mail goes
# to SES's mailbox simulator, which takes everything and delivers nothing. Needs the AWS command line.
#
#   GRISTMILL_SMOKE_SECONDS  how long to wait; 600
#   GRISTMILL_SMOKE_PAUSE    how long between two looks, in seconds; 10
#
# Exit codes: 0 the report is out; 1 it did not come, or a request was refused.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

: "${GRISTMILL_BUCKET:?is not set: the bucket of the stack}"
: "${GRISTMILL_TABLE:?is not set: the table of analyses}"
export AWS_REGION="${GRISTMILL_REGION:-${AWS_REGION:-${AWS_DEFAULT_REGION:-}}}"
: "${AWS_REGION:?is not set: the region of the stack}"
# Version 1 of the command line knows only this name.
export AWS_DEFAULT_REGION="$AWS_REGION"
# What it prints is read here.
export AWS_PAGER="" AWS_MAX_ATTEMPTS=5

dataset=smoke_test
sample=samples/smoke_test.csv
seconds="${GRISTMILL_SMOKE_SECONDS:-600}"
pause="${GRISTMILL_SMOKE_PAUSE:-10}"

[ -s "$sample" ] || {
    echo "there is no $sample" >&2
    exit 1
}

since="$(date -u +%Y-%m-%dT%H:%M:%SZ)"
key="input/$dataset/$(date -u +%Y%m%dT%H%M%SZ)-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ').csv"

echo "dropping s3://$GRISTMILL_BUCKET/$key"
if ! aws s3api put-object --bucket "$GRISTMILL_BUCKET" --key "$key" --body "$sample" --content-type text/csv --output text >/dev/null; then
    echo "the file could not be dropped: look at the role's permission to write under input/$dataset/, and at the bucket's policy" >&2
    exit 1
fi

# The records of the dataset from now on; a few, however many runs there were before. The timestamp's clock is not ours.
values="$(python3 - "$dataset" "$since" "$key" <<'PYTHON'
import datetime
import json
import sys

dataset, since, key = sys.argv[1:]
since = datetime.datetime.fromisoformat(since.replace("Z", "+00:00")) - datetime.timedelta(minutes=5)
print(json.dumps({":d": {"S": dataset}, ":s": {"S": since.strftime("%Y-%m-%dT%H:%M:%SZ")}, ":f": {"S": key}}))
PYTHON
)"

# Prints what is known of the file: nothing, "False" or "True", and the narrator.
look() {
    aws dynamodb query --table-name "$GRISTMILL_TABLE" --index-name by-dataset \
        --key-condition-expression "dataset = :d AND analysis_timestamp >= :s" \
        --filter-expression "source_file = :f" \
        --expression-attribute-values "$values" \
        --no-paginate --query 'Items[0].[run_id.S, notification_sent.BOOL, narrator.S, analysis_timestamp.S]' --output text
}

started=$SECONDS
found=None
while true; do
    if ! found="$(look)"; then
        echo "the table could not be asked: look at the role's permission to query the index by-dataset of $GRISTMILL_TABLE" >&2
        exit 1
    fi
    read -r run sent narrator analysed <<<"$found"
    if [ "$sent" = True ]; then
        echo "the report is out after $((SECONDS - started)) s: run $run, analysed at $analysed, words by $narrator"
        exit 0
    fi
    if ((SECONDS - started >= seconds)); then break; fi
    sleep "$pause"
done

{
    echo "no report of $key after $seconds s"
    if [ "$run" = None ] || [ -z "$run" ]; then
        echo "There is no record of it: the processor or the analyzer did not do its work. Look, in this order, at"
        echo "  - the alarms of the stack, and its dead-letter queues (…-process-dead-letters, …-analyze-dead-letters)"
        echo "  - the log of the processor, then that of the analyzer, for this key"
        echo "  - the rules …-arrivals and …-processing-complete: were they triggered?"
        echo "  - contracts/$dataset.json in s3://$GRISTMILL_BUCKET: a file that is refused as a whole has no record"
    else
        echo "It was analysed (run $run at $analysed, words by $narrator), and its mail is not out. Look, in this order, at"
        echo "  - the log of the notifier for this run, and the queue …-notify-dead-letters"
        echo "  - the sender's identity in SES: is it verified?"
        echo "  - the rules …-mail-feedback and …-mail-trouble: an unsettled mail waits for the word of SES"
    fi
} >&2
exit 1
