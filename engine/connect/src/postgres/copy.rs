//! Binary COPY: rows in large chunks, without a statement for each.

use sqlx::PgConnection;

/// Bytes that are sent at a time.
const CHUNK_BYTES: usize = 256 << 10;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Rows on their way.
pub(super) struct Chunk(Vec<u8>);

impl Chunk {
    fn new() -> Self {
        let mut bytes = Vec::with_capacity(CHUNK_BYTES + (CHUNK_BYTES >> 2));
        bytes.extend_from_slice(HEADER);
        Self(bytes)
    }

    /// Begins a row of so many values.
    pub(super) fn begin_row(&mut self, values: usize) {
        self.0.extend_from_slice(&u16::try_from(values).unwrap_or_default().to_be_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.0.extend_from_slice(&u32::try_from(text.len()).unwrap_or_default().to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn integer(&mut self, value: i64) {
        self.0.extend_from_slice(&8_u32.to_be_bytes());
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    /// Where values are appended.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

/// Sends all rows; says how many the server took. After a refusal the connection is as before the statement.
pub(super) async fn all<T>(
    connection: &mut PgConnection,
    sql: &str,
    rows: impl IntoIterator<Item = T>,
    mut write: impl FnMut(T, &mut Chunk),
) -> sqlx::Result<u64> {
    let mut copy = connection.copy_in_raw(sql).await?;
    let mut chunk = Chunk::new();
    for row in rows {
        write(row, &mut chunk);
        if chunk.0.len() >= CHUNK_BYTES {
            copy.send(chunk.0.as_slice()).await?;
            chunk.0.clear();
        }
    }
    chunk.0.extend_from_slice(&(-1_i16).to_be_bytes());
    copy.send(chunk.0.as_slice()).await?;
    copy.finish().await
}
