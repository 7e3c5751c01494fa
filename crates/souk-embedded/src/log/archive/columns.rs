//! Records as columns of a Parquet file.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type,
    Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use souk_core::{EventId, SubjectId, Timestamp};
use souk_ports::{Position, Record, RecordKind, Recorded};

use crate::log::block::{Damage, encode_payload, payload_checksum};
use crate::log::index::SegmentSpan;
use crate::log::read::Wanted;

/// Rows of a row group: the least that is decoded for one record.
const GROUP_ROWS: usize = 8_192;

const SCHEMA: &str = "
    message record {
        required int64 offset;
        required fixed_len_byte_array(16) event_id;
        optional fixed_len_byte_array(16) subject;
        required int64 received_at (TIMESTAMP(MILLIS, true));
        required int32 kind;
        required int32 checksum;
        required binary body;
    }
";

/// The file that holds `records`.
pub(super) fn write(records: &[Recorded]) -> Result<Vec<u8>, ParquetError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_dictionary_enabled(false)
        .set_created_by("souk".to_owned())
        .build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    for group in records.chunks(GROUP_ROWS) {
        write_group(file.next_row_group()?, group)?;
    }
    file.into_inner()
}

fn write_group(
    mut rows: SerializedRowGroupWriter<'_, Vec<u8>>,
    group: &[Recorded],
) -> Result<(), ParquetError> {
    let fixed = |bytes: [u8; 16]| FixedLenByteArray::from(bytes.to_vec());
    let offsets: Vec<i64> = group.iter().map(|r| r.position.offset.cast_signed()).collect();
    put::<Int64Type>(&mut rows, &offsets, None)?;
    let ids: Vec<_> = group.iter().map(|r| fixed(r.record.event_id.0)).collect();
    put::<FixedLenByteArrayType>(&mut rows, &ids, None)?;
    let subjects: Vec<_> =
        group.iter().filter_map(|r| r.record.subject).map(|s| fixed(s.0)).collect();
    let levels: Vec<i16> = group.iter().map(|r| i16::from(r.record.subject.is_some())).collect();
    put::<FixedLenByteArrayType>(&mut rows, &subjects, Some(&levels))?;
    let times: Vec<i64> = group.iter().map(|r| r.record.received_at.as_ms()).collect();
    put::<Int64Type>(&mut rows, &times, None)?;
    let kinds: Vec<i32> = group.iter().map(|r| i32::from(r.record.kind.0)).collect();
    put::<Int32Type>(&mut rows, &kinds, None)?;
    let checksums: Vec<i32> = group.iter().map(|r| checksum(&r.record)).collect();
    put::<Int32Type>(&mut rows, &checksums, None)?;
    let bodies: Vec<_> = group.iter().map(|r| ByteArray::from(r.record.body.clone())).collect();
    put::<ByteArrayType>(&mut rows, &bodies, None)?;
    rows.close()?;
    Ok(())
}

fn put<T: DataType>(
    rows: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("the schema has fewer columns".into());
    let mut column = rows.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

/// Reads the wanted records of the file of `span`; each is checked as in the log itself.
pub(super) fn read(
    bytes: Bytes,
    span: SegmentSpan,
    wanted: Wanted,
    out: &mut Vec<Recorded>,
) -> Result<(), Damage> {
    let damage = |detail: String| Damage { offset: wanted.from, detail };
    let unreadable = |error: ParquetError| damage(format!("the archive file is damaged: {error}"));
    let file = SerializedFileReader::new(bytes).map_err(unreadable)?;
    let mut skip = usize::try_from(wanted.from - span.first).unwrap_or(usize::MAX);
    let mut left = wanted.limit.saturating_sub(out.len());
    let mut offset = wanted.from;
    for idx in 0..file.num_row_groups() {
        let rows = file.get_row_group(idx).map_err(unreadable)?;
        let n_rows = usize::try_from(rows.metadata().num_rows()).unwrap_or(0);
        if skip >= n_rows {
            skip -= n_rows;
            continue;
        }
        let group = read_group(&*rows, n_rows, span).map_err(unreadable)?;
        for (checksum_stored, recorded) in group.into_iter().skip(skip).take(left) {
            if recorded.position.offset != offset {
                return Err(Damage { offset, detail: "the record is missing".into() });
            }
            if checksum(&recorded.record) != checksum_stored {
                let detail = "the checksum of the record does not match".to_owned();
                return Err(Damage { offset, detail });
            }
            out.push(recorded);
            offset += 1;
            left -= 1;
        }
        skip = 0;
        if left == 0 {
            return Ok(());
        }
    }
    if offset <= span.last { Err(damage("the archive file is cut short".into())) } else { Ok(()) }
}

fn read_group(
    rows: &dyn RowGroupReader,
    n_rows: usize,
    span: SegmentSpan,
) -> Result<Vec<(i32, Recorded)>, ParquetError> {
    let (offsets, _) = take::<Int64Type>(rows, 0, n_rows)?;
    let (ids, _) = take::<FixedLenByteArrayType>(rows, 1, n_rows)?;
    let (subjects, levels) = take::<FixedLenByteArrayType>(rows, 2, n_rows)?;
    let (times, _) = take::<Int64Type>(rows, 3, n_rows)?;
    let (kinds, _) = take::<Int32Type>(rows, 4, n_rows)?;
    let (checksums, _) = take::<Int32Type>(rows, 5, n_rows)?;
    let (bodies, _) = take::<ByteArrayType>(rows, 6, n_rows)?;
    let wrong = |what: &str| ParquetError::General(format!("a value of column {what} is wrong"));
    let mut subjects = subjects.into_iter();
    let mut group = Vec::with_capacity(n_rows);
    for row in 0..n_rows {
        let has_subject = levels.get(row) == Some(&1);
        let subject = has_subject
            .then(|| subjects.next().and_then(|s| s.data().try_into().ok()).map(SubjectId))
            .map(|subject| subject.ok_or_else(|| wrong("subject")))
            .transpose()?;
        let id = ids[row].data().try_into().map_err(|_| wrong("event_id"))?;
        let record = Record {
            partition: span.partition,
            subject,
            event_id: EventId(id),
            received_at: Timestamp::from_ms(times[row]).map_err(|_| wrong("received_at"))?,
            kind: RecordKind(u16::try_from(kinds[row]).map_err(|_| wrong("kind"))?),
            body: bodies[row].data().to_vec(),
        };
        let offset = offsets[row].cast_unsigned();
        let position = Position { partition: span.partition, offset };
        group.push((checksums[row], Recorded { position, record }));
    }
    Ok(group)
}

/// All values of a column, and its definition levels.
fn take<T: DataType>(
    rows: &dyn RowGroupReader,
    column: usize,
    n_rows: usize,
) -> Result<(Vec<T::T>, Vec<i16>), ParquetError> {
    let reader = rows.get_column_reader(column)?;
    let mut reader = get_typed_column_reader::<T>(reader);
    let (mut values, mut levels) = (Vec::with_capacity(n_rows), Vec::new());
    let mut n_read = 0;
    while n_read < n_rows {
        let (records, _, _) =
            reader.read_records(n_rows - n_read, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Err(ParquetError::General(format!("column {column} is cut short")));
        }
        n_read += records;
    }
    Ok((values, levels))
}

fn checksum(record: &Record) -> i32 {
    let mut payload = Vec::with_capacity(64 + record.body.len());
    encode_payload(record, &mut payload);
    payload_checksum(&payload).cast_signed()
}
