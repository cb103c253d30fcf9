import { MEMBER_NAME_MAX } from '../../ha/member.ts';
import { choice, optionalText, requiredText, whole } from '../leaves.ts';
import { anyText, dnsLabel } from '../patterns.ts';
import { section } from '../setting.ts';

/** Room for `-0` to `-99` behind the cluster's name. */
const CLUSTER_NAME_MAX = MEMBER_NAME_MAX - 3;

/** More standbys than a primary can sensibly feed; also bounds every list that the protocol makes. */
const MEMBERS_MAX = 32;

const effect = 'needs a restart of the agent';

export const cluster = section('What this member belongs to.', {
  name: requiredText(dnsLabel(CLUSTER_NAME_MAX), {
    description:
      'The name of the cluster: of its Lease, and of its members (`<name>-0`, `<name>-1`, …), as a StatefulSet names its pods.',
    effect,
  }),
  namespace: optionalText(dnsLabel(63), {
    description: 'The Kubernetes namespace that the cluster lives in.',
    derivedDefault: "`POD_NAMESPACE`, else the namespace of the pod's service account, else `default`",
    effect,
  }),
  members: whole(
    3,
    { least: 1, most: MEMBERS_MAX },
    {
      description:
        'How many members are expected: `<name>-0` to `<name>-(members-1)`. A first initdb waits until each of them says that it has no data, and `ha.acks: auto` follows from it.',
      effect: 'at once',
    },
  ),
  rollout: choice('automatic', ['automatic', 'supervised'], {
    description:
      'How the members bring a new pod template (an image, say) to every pod, where the updateStrategy of the StatefulSet is `OnDelete`: standbys first, one at a time; then `automatic` hands over and replaces the old primary, `supervised` waits for `pgwarden switchover` before that.',
    effect: 'at once',
  }),
  memberName: optionalText(dnsLabel(MEMBER_NAME_MAX), {
    description: 'The name of this member (its pod).',
    derivedDefault: '`POD_NAME`, else the host name',
    effect,
  }),
  podUID: optionalText(anyText, {
    description:
      "The UID of this pod: the middle part of the Lease's `holderIdentity`, and what Events refer to.",
    derivedDefault: '`POD_UID`, else `none`',
    effect,
  }),
});
