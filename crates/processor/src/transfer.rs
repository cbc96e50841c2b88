//! Moving bytes between the ports and the engine.

use shared::checksum::Checksum;
use shared::manifest::Output;
use shared::ports::{Body, Fault, FaultKind, Location, Metadata, Objects, SourceObject, Upload, Written};
use shared::split::Sink;

/// A source object being read, with a count of what came.
pub(crate) struct Source<B> {
    body: B,
    expected: u64,
    read: u64,
}

impl<B: Body> Source<B> {
    pub(crate) fn new(body: B, expected: u64) -> Self {
        Self { body, expected, read: 0 }
    }

    /// Fills the space as far as the object reaches; 0 is its end.
    pub(crate) async fn fill(&mut self, space: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while let Some(rest) = space.get_mut(filled..)
            && !rest.is_empty()
        {
            let bytes = self.body.read(rest).await?;
            if bytes == 0 {
                break;
            }
            filled += bytes;
        }
        self.read += filled as u64;
        if filled == 0 && self.read != self.expected {
            // A body that ends early would look like a shorter file: rows would be lost without a trace.
            return Err(Fault::new("GetObject", FaultKind::Unavailable, "ShortBody"));
        }
        Ok(filled)
    }
}

/// One output on its way to its object. Nothing is begun before there are bytes.
pub(crate) struct Outgoing<'o, O: Objects> {
    objects: &'o O,
    at: Location,
    metadata: Metadata,
    upload: Option<O::Upload>,
}

impl<'o, O: Objects> Outgoing<'o, O> {
    pub(crate) fn new(objects: &'o O, at: Location, metadata: Metadata) -> Self {
        Self { objects, at, metadata, upload: None }
    }

    /// Sends what waits in the sink.
    pub(crate) async fn drain(&mut self, sink: &mut Sink) -> Result<(), Fault> {
        if sink.waiting().is_empty() {
            return Ok(());
        }
        if self.upload.is_none() {
            self.upload = Some(self.objects.create(&self.at, self.metadata.clone()).await?);
        }
        if let Some(upload) = &mut self.upload {
            upload.write(sink.waiting()).await?;
        }
        sink.taken();
        Ok(())
    }

    /// Makes the object exist; nothing when there was nothing to write.
    pub(crate) async fn finish(&mut self, sink: &mut Sink) -> Result<Option<Output>, Fault> {
        self.drain(sink).await?;
        let Some(upload) = self.upload.take() else { return Ok(None) };
        let checksum = sink.checksum();
        let count = Metadata::from([("record-count".to_owned(), sink.records().to_string())]);
        upload.finish(&checksum, count).await?;
        Ok(Some(Output { key: self.at.key.clone(), bytes: sink.bytes(), records: sink.records(), checksum }))
    }

    /// Gives up. What cannot be removed expires by the bucket's lifecycle rule.
    pub(crate) async fn abort(&mut self) {
        if let Some(upload) = self.upload.take()
            && let Err(fault) = upload.abort().await
        {
            tracing::warn!(s3.key = self.at.key, error = %fault, "an unfinished upload could not be removed");
        }
    }
}

/// Writes a small object whole, once.
pub(crate) async fn put<O: Objects>(
    objects: &O,
    at: &Location,
    metadata: Metadata,
    bytes: &[u8],
) -> Result<Written, Fault> {
    let mut upload = objects.create(at, metadata).await?;
    if let Err(fault) = upload.write(bytes).await {
        let _ = upload.abort().await;
        return Err(fault);
    }
    upload.finish(&Checksum::of(bytes), Metadata::new()).await
}

/// The metadata of every output of a run.
pub(crate) fn metadata(run_id: &str, source: &SourceObject, contract: &str) -> Metadata {
    Metadata::from([
        ("run-id".to_owned(), run_id.to_owned()),
        ("source-key".to_owned(), shared::keys::metadata_value(&source.key)),
        ("source-etag".to_owned(), shared::keys::metadata_value(source.etag.as_str())),
        ("contract".to_owned(), contract.to_owned()),
    ])
}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;

    use super::*;

    /// A body that gives out its bytes three at a time.
    struct Bytes(Vec<u8>);

    impl Body for Bytes {
        async fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
            let taken: Vec<u8> = self.0.drain(..self.0.len().min(into.len()).min(3)).collect();
            into[..taken.len()].copy_from_slice(&taken);
            Ok(taken.len())
        }
    }

    #[test]
    fn a_space_is_filled_as_far_as_the_object_reaches() {
        let mut source = Source::new(Bytes(b"0123456789".to_vec()), 10);
        let mut space = [0; 8];
        assert_eq!(block_on(source.fill(&mut space)).unwrap(), 8);
        assert_eq!(&space, b"01234567");
        assert_eq!(block_on(source.fill(&mut space)).unwrap(), 2);
        assert_eq!(block_on(source.fill(&mut space)).unwrap(), 0);
    }

    #[test]
    fn a_body_that_ends_early_is_a_fault_and_no_shorter_file() {
        let mut source = Source::new(Bytes(b"01234".to_vec()), 10);
        assert_eq!(block_on(source.fill(&mut [0; 8])).unwrap(), 5);
        let fault = block_on(source.fill(&mut [0; 8])).unwrap_err();
        assert_eq!((fault.code.as_str(), fault.kind), ("ShortBody", FaultKind::Unavailable));
    }
}
