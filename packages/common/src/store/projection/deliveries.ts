/** Why a twin (the same change under another delivery id) is ignored. */
export function twinReason(firstDeliveryId: string): string {
  return `duplicate of ${firstDeliveryId}`;
}
