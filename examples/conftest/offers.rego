# Rules about a plan of offerkit for conftest or OPA, where policies in the specs (docs/policies.md) are not enough:
#
#     offerkit plan --out plan.json
#     conftest test --policy examples/conftest plan.json
#
# The input is a plan file; its format is docs/reference/plan.schema.json (offerkit schema --kind plan).
package main

import rego.v1

# No plan deletes more than five offers at once.
deny contains message if {
	gone := [step.address | some step in input.plan.steps; step.action == "delete"; contains(step.address, "/offer.")]
	count(gone) > 5
	message := sprintf("the plan deletes %d offers at once", [count(gone)])
}

# The bodies of a plan are JSON in text: what an offer weighs is in there.
deny contains message if {
	some step in input.plan.steps
	contains(step.address, "/offer.")
	body := json.unmarshal(input.plan.bodies[step.after.fingerprint].text)
	some weight in body.weights
	to_number(weight.weight) > 50
	message := sprintf("%s weighs more than 50", [step.address])
}
