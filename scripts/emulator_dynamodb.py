"""DynamoDB as AWS answers: what moto 5.2.5 does otherwise. Imported by emulator_server.py."""

from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import LimitedSizeDict
from moto.dynamodb.models.utilities import bytesize

from emulator_patch import replaces

MAX_ITEM_BYTES = 400 * 1024


# DynamoDB: an item has at most 400 KB, which are 409,600 bytes; moto stops before, and counts an attribute that is written
# anew twice, as it was and as it will be.
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)
@replaces(LimitedSizeDict, "__setitem__")
def as_large_as_it_will_be(_, item, name, value):
    others = sum(bytesize(other) + size_of(item[other]) for other in item if other != name)
    if others + bytesize(name) + size_of(value) > MAX_ITEM_BYTES:
        raise ItemSizeTooLarge
    dict.__setitem__(item, name, value)


def size_of(value):
    return value.size() if hasattr(value, "size") else bytesize(str(value))
