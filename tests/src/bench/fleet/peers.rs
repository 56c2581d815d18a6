//! The same rows, without fleet, broker and meaning: straight into a twin of the events' table.

use std::pin::pin;
use std::time::{Duration, Instant};

use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// Rows of a transaction of the batch insert: as many as fleetd takes at most.
const BATCH: usize = 1000;

/// Rows of one COPY.
const COPY: usize = 5000;

/// An event as it lies in the table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    id: Uuid,
    tenant: String,
    kiosk: String,
    epoch: i64,
    seq: i64,
    kind: String,
    version: i16,
    wall_ms: i64,
    hlc: i64,
    boot: i32,
    mono_ms: i64,
    clock: i16,
    body: String,
    hash: Vec<u8>,
    answer: Option<String>,
}

const COLUMNS: &str =
    "id, tenant, kiosk, epoch, seq, kind, version, wall_ms, hlc, boot, mono_ms, clock, body, hash, answer";

const TYPES: [Type; 15] = [
    Type::UUID,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::INT2,
    Type::INT8,
    Type::INT8,
    Type::INT4,
    Type::INT8,
    Type::INT2,
    Type::TEXT,
    Type::BYTEA,
    Type::TEXT,
];

/// Makes the twin: same columns, same indexes, same partitions.
const TWIN: &str = "
    DROP TABLE IF EXISTS bench_event;
    CREATE TABLE bench_event (LIKE event INCLUDING ALL) PARTITION BY RANGE (id);
    DO $$
    DECLARE
        part record;
    BEGIN
        FOR part IN SELECT relname, pg_get_expr(relpartbound, c.oid) AS bounds
                    FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE i.inhparent = 'event'::regclass
        LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF bench_event %s', 'bench_' || part.relname, part.bounds);
        END LOOP;
    END $$";

/// The rows that these kiosks' events became, in the order they came in.
pub(super) async fn rows(client: &Client, prefix: &str) -> anyhow::Result<Vec<Row>> {
    let sql =
        format!("SELECT {COLUMNS} FROM event WHERE starts_with(kiosk, $1) ORDER BY received_at, kiosk, seq");
    let rows = client.query(&sql, &[&prefix]).await?;
    let row = |row: &tokio_postgres::Row| Row {
        id: row.get(0),
        tenant: row.get(1),
        kiosk: row.get(2),
        epoch: row.get(3),
        seq: row.get(4),
        kind: row.get(5),
        version: row.get(6),
        wall_ms: row.get(7),
        hlc: row.get(8),
        boot: row.get(9),
        mono_ms: row.get(10),
        clock: row.get(11),
        body: row.get(12),
        hash: row.get(13),
        answer: row.get(14),
    };
    Ok(rows.iter().map(row).collect())
}

/// Which way the rows go in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// One INSERT … VALUES … ON CONFLICT DO NOTHING for each thousand, as text.
    Insert,
    /// One prepared INSERT … SELECT FROM unnest … ON CONFLICT DO NOTHING for each thousand, its columns as binary arrays.
    Unnest,
    /// COPY in binary into a staging table, from there INSERT … ON CONFLICT DO NOTHING.
    Copy,
}

/// Writes the rows into an empty twin over so many connections; how long that took.
pub(super) async fn write(
    database: &str,
    way: Way,
    rows: Vec<Row>,
    connections: usize,
) -> anyhow::Result<Duration> {
    let (client, driver) = connect(database).await?;
    client.batch_execute(TWIN).await?;
    let wanted = i64::try_from(rows.len())?;
    let mut shares = vec![Vec::new(); connections];
    for (place, chunk) in rows.chunks(if way == Way::Copy { COPY } else { BATCH }).enumerate() {
        shares[place % connections].push(chunk.to_vec());
    }
    let mut ready = Vec::new();
    for share in shares {
        ready.push(Writer::new(database, way, share).await?);
    }
    let begun = Instant::now();
    let tasks: Vec<_> = ready.into_iter().map(|writer| tokio::spawn(writer.run())).collect();
    for task in tasks {
        task.await??;
    }
    let took = begun.elapsed();
    let written: i64 = client.query_one("SELECT count(*) FROM bench_event", &[]).await?.get(0);
    client.batch_execute("DROP TABLE bench_event").await?;
    driver.abort();
    anyhow::ensure!(written == wanted, "{written} of {wanted} rows were written");
    Ok(took)
}

async fn connect(database: &str) -> anyhow::Result<(Client, tokio::task::JoinHandle<()>)> {
    let (client, connection) = tokio_postgres::connect(database, NoTls).await?;
    let driver = tokio::spawn(async {
        // Whoever uses the client hears of it.
        connection.await.ok();
    });
    Ok((client, driver))
}

/// One connection with its share of the rows, everything prepared.
struct Writer {
    client: Client,
    way: Way,
    /// The statement of a transaction, if it is always the same.
    insert: Option<tokio_postgres::Statement>,
    share: Vec<Vec<Row>>,
}

impl Writer {
    async fn new(database: &str, way: Way, share: Vec<Vec<Row>>) -> anyhow::Result<Self> {
        let (client, _) = connect(database).await?;
        let sql = match way {
            Way::Insert => None,
            Way::Unnest => Some(format!(
                "INSERT INTO bench_event ({COLUMNS}) \
                 SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], \
                 $7::smallint[], $8::bigint[], $9::bigint[], $10::int[], $11::bigint[], $12::smallint[], \
                 $13::text[], $14::bytea[], $15::text[]) ON CONFLICT DO NOTHING"
            )),
            Way::Copy => {
                let staging = format!(
                    "CREATE TEMP TABLE staging ON COMMIT DELETE ROWS AS SELECT {COLUMNS} FROM bench_event WITH NO DATA"
                );
                client.batch_execute(&staging).await?;
                Some(format!(
                    "INSERT INTO bench_event ({COLUMNS}) SELECT {COLUMNS} FROM staging ON CONFLICT DO NOTHING"
                ))
            }
        };
        let insert = match sql {
            Some(sql) => Some(client.prepare(&sql).await?),
            None => None,
        };
        Ok(Self { client, way, insert, share })
    }

    async fn run(mut self) -> anyhow::Result<()> {
        for rows in std::mem::take(&mut self.share) {
            let transaction = self.client.transaction().await?;
            match &self.insert {
                None => transaction.batch_execute(&text(&rows)).await?,
                Some(statement) if self.way == Way::Unnest => unnest(&transaction, statement, &rows).await?,
                Some(statement) => {
                    copy(&transaction, &rows).await?;
                    transaction.execute(statement, &[]).await?;
                }
            }
            transaction.commit().await?;
        }
        Ok(())
    }
}

/// All rows as one statement.
fn text(rows: &[Row]) -> String {
    fn quoted(text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }
    let row = |r: &Row| {
        let hash: String = r.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "('{}', {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, '\\x{hash}', {})",
            r.id,
            quoted(&r.tenant),
            quoted(&r.kiosk),
            r.epoch,
            r.seq,
            quoted(&r.kind),
            r.version,
            r.wall_ms,
            r.hlc,
            r.boot,
            r.mono_ms,
            r.clock,
            quoted(&r.body),
            r.answer.as_deref().map_or_else(|| "NULL".to_owned(), quoted)
        )
    };
    let values: Vec<String> = rows.iter().map(row).collect();
    format!("INSERT INTO bench_event ({COLUMNS}) VALUES {} ON CONFLICT DO NOTHING", values.join(", "))
}

async fn unnest(
    transaction: &tokio_postgres::Transaction<'_>,
    statement: &tokio_postgres::Statement,
    rows: &[Row],
) -> anyhow::Result<()> {
    fn column<'a, T>(rows: &'a [Row], of: fn(&'a Row) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    transaction
        .execute(
            statement,
            &[
                &column(rows, |r| r.id),
                &column(rows, |r| r.tenant.as_str()),
                &column(rows, |r| r.kiosk.as_str()),
                &column(rows, |r| r.epoch),
                &column(rows, |r| r.seq),
                &column(rows, |r| r.kind.as_str()),
                &column(rows, |r| r.version),
                &column(rows, |r| r.wall_ms),
                &column(rows, |r| r.hlc),
                &column(rows, |r| r.boot),
                &column(rows, |r| r.mono_ms),
                &column(rows, |r| r.clock),
                &column(rows, |r| r.body.as_str()),
                &column(rows, |r| r.hash.as_slice()),
                &column(rows, |r| r.answer.as_deref()),
            ],
        )
        .await?;
    Ok(())
}

async fn copy(transaction: &tokio_postgres::Transaction<'_>, rows: &[Row]) -> anyhow::Result<()> {
    let sink = transaction.copy_in("COPY staging FROM STDIN BINARY").await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &TYPES));
    for r in rows {
        let values: [&(dyn ToSql + Sync); 15] = [
            &r.id, &r.tenant, &r.kiosk, &r.epoch, &r.seq, &r.kind, &r.version, &r.wall_ms, &r.hlc, &r.boot,
            &r.mono_ms, &r.clock, &r.body, &r.hash, &r.answer,
        ];
        writer.as_mut().write(&values).await?;
    }
    writer.finish().await?;
    Ok(())
}
