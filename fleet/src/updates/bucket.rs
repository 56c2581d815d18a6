//! A bucket of an S3-compatible store, for threads that may wait.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Name;
use object_store::{
    Certificate, ClientOptions, ObjectStore as _, ObjectStoreExt as _, PutPayload, WriteMultipart,
};
use tokio::runtime::Handle;

use super::store::{Result, StoreError, disk};
use crate::settings;

/// Files of more bytes go in pieces of so many (S3 takes 10,000 of them).
const PIECE: usize = 8 << 20;

/// Pieces of one file under way at a time.
const PIECES: usize = 4;

/// See the module's description.
pub(super) struct Bucket {
    store: AmazonS3,
    prefix: String,
    runtime: Handle,
}

/// What a bucket says of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Object {
    /// Bytes.
    pub(super) length: u64,
    /// Another content has another one.
    pub(super) tag: Option<String>,
}

impl Bucket {
    /// Connects to nobody yet. Who we are comes from the environment, as AWS names it, or from the machine's role.
    pub(super) fn new(settings: &settings::Bucket) -> anyhow::Result<Self> {
        // It is the process's, and there from an earlier bucket perhaps.
        _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = ClientOptions::new();
        if let Some(ca) = &settings.ca {
            let pem = fs::read(ca).with_context(|| ca.display().to_string())?;
            for certificate in Certificate::from_pem_bundle(&pem).with_context(|| ca.display().to_string())? {
                client = client.with_root_certificate(certificate);
            }
        }
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(&settings.name);
        if let Some(endpoint) = &settings.endpoint {
            client = client.with_allow_http(endpoint.starts_with("http://"));
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = &settings.region {
            builder = builder.with_region(region);
        }
        let store = builder.with_client_options(client).build()?;
        let prefix = settings.prefix.trim_matches('/').to_owned();
        Ok(Self { store, prefix, runtime: Handle::current() })
    }

    /// Everything below our prefix, by its path from there.
    pub(super) fn list(&self) -> Result<BTreeMap<String, Object>> {
        let prefix = (!self.prefix.is_empty()).then(|| self.name("")).transpose()?;
        let found = self.store.list(prefix.as_ref());
        let found = self.runtime.block_on(found.try_collect::<Vec<_>>()).map_err(lost("its list"))?;
        let object = |it: object_store::ObjectMeta| {
            let path = it.location.as_ref().strip_prefix(&self.prefix)?.trim_start_matches('/').to_owned();
            Some((path, Object { length: it.size, tag: it.e_tag }))
        };
        Ok(found.into_iter().filter_map(object).collect())
    }

    /// Puts the content of an object in place of a file, whole or not at all.
    pub(super) fn get(&self, path: &str, to: &Path) -> Result<()> {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(disk(folder))?;
        }
        let part = to.with_added_extension("part");
        let mut file = File::create(&part).map_err(disk(&part))?;
        let name = self.name(path)?;
        let found = self.runtime.block_on(self.store.get(&name)).map_err(lost(path))?;
        let mut pieces = found.into_stream();
        while let Some(piece) = self.runtime.block_on(pieces.next()) {
            file.write_all(&piece.map_err(lost(path))?).map_err(disk(&part))?;
        }
        file.sync_all().map_err(disk(&part))?;
        fs::rename(&part, to).map_err(disk(to))
    }

    /// Puts a file into the bucket, whole or not at all.
    pub(super) fn put(&self, path: &str, from: &Path) -> Result<()> {
        let name = self.name(path)?;
        let mut file = File::open(from).map_err(disk(from))?;
        let length = file.metadata().map_err(disk(from))?.len();
        let piece = |file: &mut File| -> Result<Vec<u8>> {
            let mut bytes = Vec::new();
            file.take(PIECE as u64).read_to_end(&mut bytes).map_err(disk(from))?;
            Ok(bytes)
        };
        if length <= PIECE as u64 {
            let content = PutPayload::from(piece(&mut file)?);
            return self.runtime.block_on(self.store.put(&name, content)).map(drop).map_err(lost(path));
        }
        let upload = self.runtime.block_on(self.store.put_multipart(&name)).map_err(lost(path))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PIECE);
        loop {
            let bytes = piece(&mut file)?;
            if bytes.is_empty() {
                return self.runtime.block_on(upload.finish()).map(drop).map_err(lost(path));
            }
            self.runtime.block_on(async {
                upload.wait_for_capacity(PIECES).await.map_err(lost(path))?;
                upload.put(bytes.into());
                Ok(())
            })?;
        }
    }

    /// Removes an object; one that is not there is removed already.
    pub(super) fn remove(&self, path: &str) -> Result<()> {
        match self.runtime.block_on(self.store.delete(&self.name(path)?)) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(lost(path)(error)),
        }
    }

    fn name(&self, path: &str) -> Result<Name> {
        let name = format!("{}/{path}", self.prefix);
        Name::parse(name.trim_matches('/')).map_err(|_| StoreError::Path(path.to_owned()))
    }
}

fn lost(path: &str) -> impl FnOnce(object_store::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Bucket { path, source: Box::new(source) }
}
