"""Solves each case anew with HiGHS and compares the costs.

The program is written down here from the meaning of the fields, not from Souk's: units are counted in whole cases, a price
counts for all units, every pallet and truck begun is paid for, shares of a contract are rounded up to whole cases.
"""

import json
import math
import sys

import highspy

RELATIVE = 1e-6


def cases_up(units, case):
    return math.ceil(units / case - 1e-6)


def cases_down(units, case):
    return math.floor(units / case + 1e-6)


def least_cost(case):
    model = highspy.Highs()
    model.silent()
    model.setOptionValue("mip_rel_gap", 0.0)
    model.setOptionValue("mip_abs_gap", 1e-7)
    model.setOptionValue("mip_feasibility_tolerance", 1e-9)
    model.setOptionValue("primal_feasibility_tolerance", 1e-9)
    need, most = case["units"], case["most"]
    cost, ordered, used = [], [], []
    for offer in case["offers"]:
        step = offer["multiple"]
        low, high = offer["contract"]
        least = max(cases_up(max(offer["minimum"], low * need), step), 1)
        last = max(from_ for from_, _ in offer["prices"])
        # Nobody buys more than the need, unless a price break or a smallest order lies beyond it.
        limit = max(cases_up(max(need, last), step), least)
        for bound in (offer["capacity"], most):
            if bound is not None:
                limit = min(limit, cases_down(bound, step))
        if high < 1:
            limit = min(limit, cases_up(high * need, step))
        risk = case["late"] * offer["late_chance"] * offer["reliability"]
        risk += case["missing"] * (1 - offer["reliability"])
        switches, units = [], []
        for k, (from_, price) in enumerate(offer["prices"]):
            begin = max(least, cases_up(from_, step))
            end = limit
            if k + 1 < len(offer["prices"]):
                end = min(end, cases_up(offer["prices"][k + 1][0], step) - 1)
            if begin > end:
                continue
            switch = model.addBinary()
            cases = model.addIntegral(lb=0, ub=end)
            model.addConstr(cases >= begin * switch)
            model.addConstr(cases <= end * switch)
            switches.append(switch)
            units.append(step * cases)
            cost.append((price + risk) * step * cases + offer["per_order"] * switch)
        if low > 0:
            if not switches:
                return None
            model.addConstr(sum(switches) == 1)
        if not switches:
            continue
        model.addConstr(sum(switches) <= 1)
        for load in (offer["pallet"], offer["truck"]):
            if load:
                n = model.addIntegral(lb=0, ub=math.ceil(limit * step / load[0]) + 1)
                model.addConstr(sum(units) <= load[0] * n)
                cost.append(load[1] * n)
        ordered += units
        used += switches
    if not ordered:
        return None
    model.addConstr(sum(ordered) >= need)
    if most is not None:
        model.addConstr(sum(ordered) <= most)
    model.addConstr(sum(used) <= case["splits"])
    model.minimize(sum(cost) + case["surplus"] * sum(ordered) - case["surplus"] * need)
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return model.getInfo().objective_function_value


def main(path):
    wrong = solved = 0
    times = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            case = json.loads(line)
            found, least = case["cost"], least_cost(case)
            times.append(case["ms"])
            solved += least is not None
            is_same = found is None and least is None
            if found is not None and least is not None:
                is_same = abs(found - least) <= RELATIVE * abs(least)
            if not is_same:
                wrong += 1
                print(f"suppliers: case {number}: found {found}, HiGHS {least}", file=sys.stderr)
    times.sort()
    if not times or solved < len(times) / 2:
        sys.exit(f"suppliers: only {solved} of {len(times)} cases have an answer; they say too little")
    print(
        f"suppliers: {len(times)} cases, {solved} that can be covered, {wrong} that differ from HiGHS; "
        f"median {times[len(times) // 2]:.2f} ms, longest {times[-1]:.2f} ms"
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(sys.argv[1])
