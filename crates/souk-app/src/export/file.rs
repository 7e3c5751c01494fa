//! A file of rows: JSON lines or CSV, plain or gzipped, or Parquet.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::basic::{
    Compression as ParquetCompression, ConvertedType, Repetition, Type as Physical,
};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use serde_json::Value;
use souk_core::Timestamp;

use crate::AppError;
use crate::sheet::file_error;

/// Rows in a group of a Parquet file.
const GROUP_ROWS: usize = 65_536;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    name: &'static str,
    kind: FieldKind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum FieldKind {
    Text,
    Number,
    Boolean,
    Time,
}

impl Field {
    pub(crate) const fn text(name: &'static str) -> Field {
        Field { name, kind: FieldKind::Text }
    }

    pub(crate) const fn number(name: &'static str) -> Field {
        Field { name, kind: FieldKind::Number }
    }

    pub(crate) const fn boolean(name: &'static str) -> Field {
        Field { name, kind: FieldKind::Boolean }
    }

    /// A moment, whose row holds RFC 3339.
    pub(crate) const fn time(name: &'static str) -> Field {
        Field { name, kind: FieldKind::Time }
    }

    fn schema(self) -> Result<Arc<Type>, ParquetError> {
        let (physical, converted) = match self.kind {
            FieldKind::Text => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
            FieldKind::Number => (Physical::DOUBLE, ConvertedType::NONE),
            FieldKind::Boolean => (Physical::BOOLEAN, ConvertedType::NONE),
            FieldKind::Time => (Physical::INT64, ConvertedType::TIMESTAMP_MILLIS),
        };
        let builder = Type::primitive_type_builder(self.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_converted_type(converted);
        Ok(Arc::new(builder.build()?))
    }
}

/// A file under construction; it takes its name when it is finished.
pub(crate) struct ExportFile {
    path: PathBuf,
    partial: PathBuf,
    form: Option<Form>,
    n_rows: u64,
}

enum Form {
    Lines(Sink),
    Table(Sink, &'static [Field]),
    Parquet(Box<Rows>),
}

/// Where text goes.
enum Sink {
    Plain(BufWriter<File>),
    Packed(GzEncoder<BufWriter<File>>),
}

impl Sink {
    fn finish(self) -> io::Result<BufWriter<File>> {
        match self {
            Sink::Plain(file) => Ok(file),
            Sink::Packed(file) => file.finish(),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Plain(file) => file.write(bytes),
            Sink::Packed(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Plain(file) => file.flush(),
            Sink::Packed(file) => file.flush(),
        }
    }
}

struct Rows {
    writer: SerializedFileWriter<BufWriter<File>>,
    fields: &'static [Field],
    waiting: Vec<Value>,
}

impl ExportFile {
    pub(crate) fn create(path: &Path, fields: &'static [Field]) -> Result<ExportFile, AppError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let create = || {
            let file = File::create(&partial).map_err(|source| file_error(&partial, source))?;
            Ok::<_, AppError>(BufWriter::with_capacity(1 << 18, file))
        };
        let text = || {
            Ok::<_, AppError>(match name.ends_with(".gz") {
                true => Sink::Packed(GzEncoder::new(create()?, Compression::fast())),
                false => Sink::Plain(create()?),
            })
        };
        let stem = name.strip_suffix(".gz").unwrap_or(&name);
        let form = if stem.ends_with(".jsonl") || stem.ends_with(".ndjson") {
            Form::Lines(text()?)
        } else if stem.ends_with(".csv") {
            let mut table = text()?;
            let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
            let head = table.write_all((names.join(",") + "\n").as_bytes());
            head.map_err(|source| file_error(&partial, source))?;
            Form::Table(table, fields)
        } else if name.ends_with(".parquet") {
            let broken = |error| broken(path, &error);
            let columns: Result<Vec<_>, _> = fields.iter().map(|field| field.schema()).collect();
            let schema =
                Type::group_type_builder("souk").with_fields(columns.map_err(broken)?).build();
            let compression = ParquetCompression::ZSTD(Default::default());
            let properties = WriterProperties::builder().set_compression(compression).build();
            let writer = SerializedFileWriter::new(
                create()?,
                Arc::new(schema.map_err(broken)?),
                Arc::new(properties),
            );
            let writer = writer.map_err(broken)?;
            Form::Parquet(Box::new(Rows { writer, fields, waiting: Vec::new() }))
        } else {
            let detail = format!(
                "file `{}` must end in .jsonl, .csv, both also with .gz, or in .parquet",
                path.display()
            );
            return Err(AppError::invalid("unknown_file_type", "out", detail));
        };
        Ok(ExportFile { path: path.to_owned(), partial, form: Some(form), n_rows: 0 })
    }

    /// Writes a row: `line` as a line, or what `row` makes of it into the columns.
    pub(crate) fn write(
        &mut self,
        line: &Value,
        row: impl FnOnce() -> Value,
    ) -> Result<(), AppError> {
        self.n_rows += 1;
        let io = |source| file_error(&self.partial, source);
        match self.form.as_mut().expect("only finishing takes the form") {
            Form::Lines(file) => {
                serde_json::to_writer(&mut *file, line).map_err(|error| io(error.into()))?;
                file.write_all(b"\n").map_err(io)
            }
            Form::Table(file, fields) => {
                let row = row();
                let cells: Vec<String> =
                    fields.iter().map(|field| csv_cell(&row[field.name])).collect();
                file.write_all((cells.join(",") + "\n").as_bytes()).map_err(io)
            }
            Form::Parquet(rows) => {
                rows.waiting.push(row());
                if rows.waiting.len() < GROUP_ROWS {
                    return Ok(());
                }
                rows.write_group().map_err(|error| broken(&self.path, &error))
            }
        }
    }

    /// Ends the file and gives it its name; returns the number of rows.
    pub(crate) fn finish(mut self) -> Result<u64, AppError> {
        let io = |source| file_error(&self.path, source);
        let file = match self.form.take().expect("finished once") {
            Form::Lines(file) | Form::Table(file, _) => file.finish().map_err(io)?,
            Form::Parquet(mut rows) => {
                let ended = rows.write_group().and_then(|()| rows.writer.into_inner());
                ended.map_err(|error| broken(&self.path, &error))?
            }
        };
        let file = file.into_inner().map_err(|error| io(error.into_error()))?;
        file.sync_all().map_err(io)?;
        std::fs::rename(&self.partial, &self.path).map_err(io)?;
        Ok(self.n_rows)
    }
}

impl Drop for ExportFile {
    fn drop(&mut self) {
        // After a finished file there is none left under this name.
        let _ = std::fs::remove_file(&self.partial);
    }
}

/// A cell of a table, quoted where it must be (RFC 4180).
fn csv_cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

impl Rows {
    fn write_group(&mut self) -> Result<(), ParquetError> {
        let rows = std::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for field in self.fields {
            let mut column = group.next_column()?.expect("the schema has this field");
            write_column(column.untyped(), &rows, field.name)?;
            column.close()?;
        }
        group.close()?;
        Ok(())
    }
}

fn write_column(
    column: &mut ColumnWriter<'_>,
    rows: &[Value],
    name: &str,
) -> Result<(), ParquetError> {
    let present = |is_there: bool| i16::from(is_there);
    let cells = rows.iter().map(|row| &row[name]);
    match column {
        ColumnWriter::ByteArrayColumnWriter(writer) => {
            let levels: Vec<i16> = cells.clone().map(|cell| present(cell.is_string())).collect();
            let values: Vec<ByteArray> = cells
                .filter_map(Value::as_str)
                .map(|text| ByteArray::from(text.as_bytes().to_vec()))
                .collect();
            writer.write_batch(&values, Some(&levels), None)?;
        }
        ColumnWriter::DoubleColumnWriter(writer) => {
            let levels: Vec<i16> = cells.clone().map(|cell| present(cell.is_number())).collect();
            let values: Vec<f64> = cells.filter_map(Value::as_f64).collect();
            writer.write_batch(&values, Some(&levels), None)?;
        }
        ColumnWriter::BoolColumnWriter(writer) => {
            let levels: Vec<i16> = cells.clone().map(|cell| present(cell.is_boolean())).collect();
            let values: Vec<bool> = cells.filter_map(Value::as_bool).collect();
            writer.write_batch(&values, Some(&levels), None)?;
        }
        ColumnWriter::Int64ColumnWriter(writer) => {
            let times: Vec<Option<i64>> = cells
                .map(|cell| cell.as_str().and_then(|text| Timestamp::parse(text).ok()))
                .map(|at| at.map(Timestamp::as_ms))
                .collect();
            let levels: Vec<i16> = times.iter().map(|at| present(at.is_some())).collect();
            let values: Vec<i64> = times.into_iter().flatten().collect();
            writer.write_batch(&values, Some(&levels), None)?;
        }
        _ => unreachable!("the schema has texts, numbers and times only"),
    }
    Ok(())
}

fn broken(path: &Path, error: &ParquetError) -> AppError {
    file_error(path, std::io::Error::other(error.to_string()))
}
