"""Where the image of a run can be tried by a click. Pure."""

from __future__ import annotations

from r2d_action.binder.binderhub import BinderSource
from r2d_action.plan import Plan
from r2d_action.publish import Published
from r2d_action.report.launch_links import Link, ProfileForm, launch_links


def links_of(plan: Plan, published: Published) -> tuple[Link, ...]:
    repository, hub, binderhub = plan.origin.repository, plan.hub, plan.binder.hub_url
    return launch_links(
        published.reference,
        BinderSource(repository, plan.commit) if repository else None,
        binderhub=binderhub,
        form=ProfileForm.chosen_by(dict(hub.options), url=hub.url, builds=bool(binderhub)),
    )
