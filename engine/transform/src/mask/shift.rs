//! Dates that are moved by some days, all of one subject by the same number, so that the time between them stays.

use arrow::array::{ArrayRef, AsArray as _, PrimitiveBuilder, StringBuilder};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use chrono::TimeDelta;
use transload_model::{Code, LogicalType, MaskKey};

use crate::column::{Column, Fault, Reason, Sink, nulls};
use crate::convert::Format;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// From as many days back to as many on, and never none.
pub(super) fn amount(key: &MaskKey, subject: &[&[u8]], days: u32) -> i64 {
    let days = u64::from(days.max(1));
    let drawn = i64::try_from(key.number("mask/shift", subject) % (2 * days)).unwrap_or_default();
    let days = i64::try_from(days).unwrap_or_default();
    if drawn < days { drawn - days } else { drawn - days + 1 }
}

/// The dates, each moved by its row's days. Texts have the format.
pub(super) fn shift(values: &ArrayRef, logical: LogicalType, (by, format): (&[i64], Option<&str>)) -> Column {
    match logical {
        LogicalType::Date => {
            let dates = values.as_primitive::<Date32Type>();
            let moved = |date: i32, days: i64| i32::try_from(i64::from(date) + days).ok();
            each(dates.iter(), by, PrimitiveBuilder::<Date32Type>::with_capacity(by.len()), |date, days| {
                moved(date, days).ok_or_else(out_of_range)
            })
        }
        LogicalType::Timestamp | LogicalType::Timestamptz => {
            let moments = values.as_primitive::<TimestampMicrosecondType>();
            let builder = PrimitiveBuilder::<TimestampMicrosecondType>::with_capacity(by.len());
            let builder = builder.with_data_type(values.data_type().clone());
            each(moments.iter(), by, builder, |moment, days| {
                days.checked_mul(DAY).and_then(|days| moment.checked_add(days)).ok_or_else(out_of_range)
            })
        }
        LogicalType::Text => {
            let builder = StringBuilder::with_capacity(by.len(), by.len() * 10);
            let format = format.and_then(|format| Format::parse(format).ok());
            each(values.as_string::<i32>().iter(), by, builder, |text, days| {
                let format = format.as_ref().ok_or_else(unread)?;
                let date = format.read(text).map_err(|_| unread())?;
                let moved = TimeDelta::try_days(days).and_then(|days| date.checked_add_signed(days));
                moved.map(|moved| format.write(moved)).ok_or_else(out_of_range)
            })
        }
        // No plan has another type. Should one, nothing of the value is seen.
        _ => Column::whole(nulls(logical, values.len())),
    }
}

fn each<T, S: Sink>(
    values: impl Iterator<Item = Option<T>>,
    by: &[i64],
    mut sink: S,
    moved: impl Fn(T, i64) -> Result<S::Item, Reason>,
) -> Column {
    let mut faults = Vec::new();
    for (row, (value, days)) in values.zip(by).enumerate() {
        let done = value.map(|value| moved(value, *days)).transpose();
        sink.push(done.unwrap_or_else(|reason| {
            faults.push(Fault::quarantine(row, reason));
            None
        }));
    }
    Column { array: sink.finish(), faults }
}

fn out_of_range() -> Reason {
    Reason::new(Code::ValueRange, "the mask would move the day out of the calendar")
}

fn unread() -> Reason {
    Reason::new(Code::ValueFormat, "the text is no day in the mask's format, so it cannot be moved")
}
