"""What happens on the local cloud by itself, when it is due by the cloud's clock."""

import threading
import traceback


class Due:
    """A thread that looks again and again for what is due. Who is made of this says how it is sent (`send_what_is_due`)."""

    # How long it is between two looks, and what is written down when one fails.
    pause = 0.2
    failed = "what is due could not be sent"

    def __init__(self, cloud):
        self.cloud = cloud
        self.guard = threading.Lock()
        self.stopping = threading.Event()
        self.thread = None

    def start(self):
        self.thread = threading.Thread(target=self.run, name=type(self).__name__.lower(), daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        if self.thread:
            self.thread.join(10)

    def run(self):
        while not self.stopping.wait(self.pause):
            try:
                self.send_what_is_due()
            except Exception:
                self.cloud.note(f"{self.failed}:\n{traceback.format_exc()}")

    def send_what_is_due(self):
        raise NotImplementedError
