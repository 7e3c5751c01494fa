use std::sync::Arc;

use axum::extract::{Request, State};
use souk_app::Operation;

use crate::dto::audit::{Asked, AuditList, AuditQuery, HeadAnswer, ProofAnswer, ProofQuery};
use crate::edge::Edge;
use crate::problem::Answer;
use crate::routes::{QueryOf, json, query_of};

/// Bytes of a body that these routes have no use for.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// Lists entries of the audit log. Reading it is an entry itself.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "Audit",
    summary = "Read the audit log",
    params(AuditQuery),
    responses((status = 200, description = "The newest first.", body = AuditList))
)]
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<AuditQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadAudit, REQUEST_BYTES_MAX).await?;
    let (filter, before, limit) = query_of(query)?.parse()?;
    let page = edge.app.audit_entries(&caller, &filter, (before, limit)).await?;
    Ok(json(&AuditList::from(page)))
}

/// Proves that an entry is in the log, or that a later log only added to an earlier one.
#[utoipa::path(
    get,
    path = "/v1/audit/proof",
    tag = "Audit",
    summary = "Prove an entry, or that nothing was changed",
    params(ProofQuery),
    responses((status = 200, description = "Hashes as RFC 6962 orders them.", body = ProofAnswer))
)]
pub(crate) async fn proof(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<ProofQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadAudit, REQUEST_BYTES_MAX).await?;
    let proof = match query_of(query)?.parse()? {
        Asked::Inclusion(entry, size) => edge.app.audit_inclusion(&caller, (entry, size)).await?,
        Asked::Consistency(from, to) => edge.app.audit_consistency(&caller, (from, to)).await?,
    };
    Ok(json(&ProofAnswer::from(proof)))
}

/// The tree as it is now, signed.
#[utoipa::path(
    get,
    path = "/v1/audit/head",
    tag = "Audit",
    summary = "The signed tree head",
    responses((status = 200, description = "What stands for all entries.", body = HeadAnswer))
)]
pub(crate) async fn head(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadAudit, REQUEST_BYTES_MAX).await?;
    Ok(json(&HeadAnswer::from(edge.app.audit_head(&caller).await?)))
}
