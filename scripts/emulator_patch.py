"""How emulator_server.py and the modules beside it change moto, and what they know of the request that is being answered.

Not called by itself.
"""

import threading

# moto's models are not made for threads: one request at a time. Whoever waits gives the turn away (emulator_sqs.py).
turn = threading.Lock()

# The WSGI environment of the request that is being answered, and the id that it was given.
request = {}
REQUEST_ID = "gristmill.request-id"


def replaces(owner, name):
    """Puts a function in the place of one of moto's, which it gets as its first argument."""

    def put(function):
        original = getattr(owner, name)
        setattr(owner, name, lambda *args, **named: function(original, *args, **named))
        return function

    return put


def adds(owner):
    """Gives a class of moto's a function that it lacks."""

    def put(function):
        if hasattr(owner, function.__name__):
            raise RuntimeError(f"moto has {owner.__name__}.{function.__name__} of its own now: take ours out")
        setattr(owner, function.__name__, function)
        return function

    return put
